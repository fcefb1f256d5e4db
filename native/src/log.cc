#include "log.h"

#include <bpf/libbpf.h>

#include <cstdarg>
#include <cstdio>

namespace wirespan {
namespace {

thread_local LogCapture* current = nullptr;

int Print(libbpf_print_level level, const char* format, va_list arguments) {
  if (current == nullptr || level == LIBBPF_DEBUG) return 0;
  va_list again;
  va_copy(again, arguments);
  const int length = vsnprintf(nullptr, 0, format, arguments);
  if (length > 0) {
    std::string text(static_cast<size_t>(length) + 1, '\0');
    vsnprintf(text.data(), text.size(), format, again);
    current->Append(text.data(), static_cast<size_t>(length));
  }
  va_end(again);
  return length;
}

}  // namespace

void InstallPrinter() { libbpf_set_print(Print); }

LogCapture::LogCapture() : outer_(current) { current = this; }
LogCapture::~LogCapture() { current = outer_; }

void LogCapture::Append(const char* text, size_t length) {
  text_.append(text, length);
  if (text_.size() > kMaxBytes) text_.erase(0, text_.size() - kMaxBytes);
}

std::string LogCapture::Verifier() const {
  static const std::string kBegin = "-- BEGIN PROG LOAD LOG --\n";
  static const std::string kEnd = "-- END PROG LOAD LOG --";
  const size_t end = text_.rfind(kEnd);
  if (end == std::string::npos) return text_;
  const size_t begin = text_.rfind(kBegin, end);
  const size_t from = begin == std::string::npos ? 0 : begin + kBegin.size();
  return text_.substr(from, end - from);
}

std::string LogCapture::FailedProgram() const {
  return NameBetween("prog '", "': BPF program load failed");
}

std::string LogCapture::FailedMap() const { return NameBetween("map '", "': failed to create"); }

std::string LogCapture::NameBetween(const std::string& open, const std::string& close) const {
  const size_t end = text_.find(close);
  if (end == std::string::npos) return {};
  const size_t begin = text_.rfind(open, end);
  if (begin == std::string::npos) return {};
  return text_.substr(begin + open.size(), end - begin - open.size());
}

}  // namespace wirespan
