#include "ring.h"

#include <fcntl.h>
#include <linux/bpf.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>

#include "poller.h"

namespace wirespan {
namespace {

constexpr size_t kHeaderBytes = 16;  // u64 ts_ns, u32 kind, u32 size
constexpr size_t kSizeOffset = 12;

size_t PageSize() { return static_cast<size_t>(sysconf(_SC_PAGESIZE)); }
size_t RoundUp8(size_t bytes) { return (bytes + 7) & ~static_cast<size_t>(7); }

// The bytes to copy of a record of `length`: its own size, which may be less than what was
// reserved. 0 when the header is short or claims more than the ring holds.
size_t SizeOf(const uint8_t* payload, size_t length) {
  if (length < kHeaderBytes) return 0;
  uint32_t size = 0;
  memcpy(&size, payload + kSizeOffset, sizeof(size));
  return size >= kHeaderBytes && size <= length ? size : 0;
}

Failure TooLarge(const std::string& ring, size_t record, size_t buffer) {
  return {.code = "ERR_NATIVE_SHORT",
          .step = "drain ring",
          .object = ring,
          .reason = "a record of " + std::to_string(record) + " bytes exceeds the buffer of " +
                    std::to_string(buffer),
          .advice = "drain into a larger buffer",
          .needed = static_cast<double>(record)};
}

}  // namespace

Status Ring::Open(int map_fd, size_t size) {
  const size_t page = PageSize();
  fd_ = fcntl(map_fd, F_DUPFD_CLOEXEC, 0);
  void* consumer =
      fd_ < 0 ? MAP_FAILED : mmap(nullptr, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd_, 0);
  void* producer = consumer == MAP_FAILED ? MAP_FAILED
                                          : mmap(nullptr, page + 2 * size, PROT_READ, MAP_SHARED,
                                                 fd_, static_cast<off_t>(page));
  if (producer == MAP_FAILED) {
    const int error = errno;
    if (consumer != MAP_FAILED) munmap(consumer, page);
    Close();
    return Failure{.code = "ERR_NATIVE_MAP", .step = "map ring", .object = name_, .error = error};
  }
  size_ = size;
  consumer_ = static_cast<uint64_t*>(consumer);
  producer_ = static_cast<const uint64_t*>(producer);
  data_ = static_cast<const uint8_t*>(producer) + page;
  return {};
}

uint64_t Ring::Unread() const { return __atomic_load_n(producer_, __ATOMIC_ACQUIRE) - *consumer_; }

size_t Ring::CopyRecord(const uint8_t* payload, size_t length, uint8_t* target) {
  const size_t padded = RoundUp8(length);
  memcpy(target, payload, length);
  memset(target + length, 0, padded - length);
  ++records_;
  return padded;
}

Status Ring::Drain(Bytes into, size_t* written) {
  *written = 0;
  uint64_t position = *consumer_;
  uint64_t end = __atomic_load_n(producer_, __ATOMIC_ACQUIRE);
  while (position < end) {
    const uint8_t* record = data_ + (position & (size_ - 1));
    const uint32_t head =
        __atomic_load_n(reinterpret_cast<const uint32_t*>(record), __ATOMIC_ACQUIRE);
    if ((head & BPF_RINGBUF_BUSY_BIT) != 0) break;
    const size_t length = head & ~(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT);
    const uint8_t* payload = record + BPF_RINGBUF_HDR_SZ;
    if ((head & BPF_RINGBUF_DISCARD_BIT) == 0) {
      const size_t size = SizeOf(payload, length);
      const size_t padded = RoundUp8(size);
      if (padded > into.size - *written) {
        if (*written == 0) return TooLarge(name_, padded, into.size);
        break;
      }
      if (size == 0) {
        ++misframed_;
      } else {
        *written += CopyRecord(payload, size, into.data + *written);
      }
    }
    position += RoundUp8(length + BPF_RINGBUF_HDR_SZ);
    // Each record at once: a full ring takes the next one as early as possible.
    __atomic_store_n(consumer_, position, __ATOMIC_RELEASE);
    if (position == end) {
      std::atomic_thread_fence(std::memory_order_seq_cst);
      end = __atomic_load_n(producer_, __ATOMIC_ACQUIRE);
    }
  }
  return {};
}

void Ring::Close() {
  if (poller != nullptr) poller->Stop();
  if (data_ != nullptr) {
    munmap(consumer_, PageSize());
    munmap(const_cast<uint64_t*>(producer_), PageSize() + 2 * size_);
  }
  if (fd_ >= 0) close(fd_);
  consumer_ = nullptr;
  producer_ = nullptr;
  data_ = nullptr;
  fd_ = -1;
}

}  // namespace wirespan
