// Catches what libbpf prints on this thread, so that nothing reaches stderr.
#ifndef WIRESPAN_NATIVE_LOG_H_
#define WIRESPAN_NATIVE_LOG_H_

#include <string>

namespace wirespan {

// While alive, libbpf's messages of this thread are kept (the last kMaxBytes). Captures nest.
class LogCapture {
 public:
  static constexpr size_t kMaxBytes = 256 * 1024;

  LogCapture();
  ~LogCapture();
  LogCapture(const LogCapture&) = delete;
  LogCapture& operator=(const LogCapture&) = delete;

  void Append(const char* text, size_t length);
  // The verifier's log when there is one, else everything libbpf said.
  std::string Verifier() const;
  // The program named in "prog '<name>': BPF program load failed", else empty.
  const std::string& FailedProgram() const { return failed_program_; }
  // The map named in "map '<name>': failed to create", else empty.
  const std::string& FailedMap() const { return failed_map_; }

 private:
  static constexpr size_t kMaxMessage = 4096;

  std::string text_;
  std::string failed_program_;
  std::string failed_map_;
  LogCapture* outer_;
};

// Installs the printer. libbpf keeps one for the process; it writes to a thread-local capture.
void InstallPrinter();

}  // namespace wirespan

#endif  // WIRESPAN_NATIVE_LOG_H_
