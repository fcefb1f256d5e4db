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

std::string NameBetween(const std::string& text, const std::string& open,
                        const std::string& close) {
  const size_t end = text.find(close);
  if (end == std::string::npos) return {};
  const size_t begin = text.rfind(open, end);
  if (begin == std::string::npos) return {};
  return text.substr(begin + open.size(), end - begin - open.size());
}

}  // namespace

void InstallPrinter() { libbpf_set_print(Print); }

LogCapture::LogCapture() : outer_(current) { current = this; }
LogCapture::~LogCapture() { current = outer_; }

void LogCapture::Append(const char* text, size_t length) {
  // The names come in messages of their own, before a verifier's log that may push them out.
  if (length <= kMaxMessage) {
    const std::string message(text, length);
    const auto keep = [&](std::string* name, const char* open, const char* close) {
      const std::string found = NameBetween(message, open, close);
      if (!found.empty()) *name = found;
    };
    keep(&failed_program_, "prog '", "': BPF program load failed");
    keep(&failed_map_, "map '", "': failed to create");
  }
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

}  // namespace wirespan
