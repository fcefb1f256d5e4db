// BPF iterators of a session, read to their end in one call.
#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "log.h"
#include "session.h"

namespace wirespan {
namespace {

constexpr size_t kSpillBytes = 64 * 1024;

// Reads to the end: into `into` while it has room, then into a scratch area that is only counted.
// EAGAIN means the kernel yielded after a million objects without output: it goes on from there.
int ReadAll(int fd, Bytes into, size_t* written) {
  std::string spill;
  *written = 0;
  for (;;) {
    const bool fits = *written < into.size;
    if (!fits && spill.empty()) spill.resize(kSpillBytes);
    void* target = fits ? static_cast<void*>(into.data + *written) : spill.data();
    const size_t room = fits ? into.size - *written : spill.size();
    const ssize_t got = read(fd, target, room);
    if (got == 0) return 0;
    if (got > 0) {
      *written += static_cast<size_t>(got);
    } else if (errno != EAGAIN && errno != EINTR) {
      return errno;
    }
  }
}

}  // namespace

Status Session::IteratorLink(const std::string& name, const std::string& map_name,
                             bpf_link** link) {
  bpf_program* program = nullptr;
  if (Status status = LiveProgram(name, &program)) return status;
  auto found = iters_.find({name, map_name});
  if (found != iters_.end()) {
    *link = found->second;
    return {};
  }
  bpf_iter_link_info info{};
  bpf_iter_attach_opts options{};
  options.sz = sizeof(options);
  if (!map_name.empty()) {
    bpf_map* map = nullptr;
    if (Status status = LiveMap(map_name, &map)) return status;
    info.map.map_fd = static_cast<uint32_t>(bpf_map__fd(map));
    options.link_info = &info;
    options.link_info_len = sizeof(info);
  }
  LogCapture log;
  *link = bpf_program__attach_iter(program, &options);
  if (*link == nullptr) {
    return Failure{.code = "ERR_NATIVE_ITERATOR",
                   .step = "attach iterator",
                   .object = name,
                   .error = errno,
                   .log = log.Verifier()};
  }
  iters_[{name, map_name}] = *link;
  return {};
}

Status Session::RunIterator(const std::string& name, const std::string& map, Bytes into,
                            size_t* written) {
  bpf_link* link = nullptr;
  if (Status status = IteratorLink(name, map, &link)) return status;
  const int fd = bpf_iter_create(bpf_link__fd(link));
  if (fd < 0) {
    return Failure{
        .code = "ERR_NATIVE_ITERATOR", .step = "start iterator", .object = name, .error = -fd};
  }
  const int error = ReadAll(fd, into, written);
  close(fd);
  if (error != 0) {
    return Failure{
        .code = "ERR_NATIVE_ITERATOR", .step = "read iterator", .object = name, .error = error};
  }
  if (*written <= into.size) return {};
  return Failure{.code = "ERR_NATIVE_SHORT",
                 .step = "keep the output of iterator",
                 .object = name,
                 .reason = "it wrote " + std::to_string(*written) + " bytes, the buffer has " +
                           std::to_string(into.size),
                 .advice = "repeat with a larger buffer",
                 .needed = static_cast<double>(*written)};
}

}  // namespace wirespan
