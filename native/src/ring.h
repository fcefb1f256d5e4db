// One consumer of a BPF ring buffer, drained by pull into a buffer that JavaScript owns.
#ifndef WIRESPAN_NATIVE_RING_H_
#define WIRESPAN_NATIVE_RING_H_

#include <napi.h>

#include <string>

#include "args.h"
#include "error.h"

namespace wirespan {

class Poller;

class Ring {
 public:
  static constexpr napi_type_tag kTag = {0x2b6e90d4c81f4a37, 0xb7f35e1908ad64c2};
  static constexpr const char* kKind = "ring";

  explicit Ring(std::string name) : name_(std::move(name)) {}
  ~Ring() { Close(); }
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;

  // Maps the ring of `map_fd`, of which it keeps a duplicate: it may outlive its session.
  Status Open(int map_fd, size_t size);
  // Copies whole records until the ring is empty or the next one does not fit. A record stays in
  // the ring until it has been copied. Fails, and takes nothing, when one exceeds all of `into`.
  Status Drain(Bytes into, size_t* written);
  void Close();

  bool is_open() const { return data_ != nullptr; }
  int fd() const { return fd_; }
  const std::string& name() const { return name_; }
  size_t size() const { return size_; }
  uint64_t Unread() const;
  uint64_t records() const { return records_; }
  uint64_t misframed() const { return misframed_; }

  Poller* poller = nullptr;  // set and cleared by Poller

 private:
  size_t CopyRecord(const uint8_t* payload, size_t length, uint8_t* target);

  std::string name_;
  int fd_ = -1;
  size_t size_ = 0;
  uint64_t* consumer_ = nullptr;        // own page, written here
  const uint64_t* producer_ = nullptr;  // kernel's page
  const uint8_t* data_ = nullptr;       // mapped twice in a row: a record never wraps
  uint64_t records_ = 0;                // copied out
  uint64_t misframed_ = 0;              // skipped: header size contradicts the ring's length
};

void ExportRing(Napi::Env env, Napi::Object exports);

}  // namespace wirespan

#endif  // WIRESPAN_NATIVE_RING_H_
