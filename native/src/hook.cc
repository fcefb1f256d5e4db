// Whether a program's hook takes programs here: one that does nothing is put there for a moment.
// What the verifier says of the program itself shows when it is loaded.
#include "hook.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <unistd.h>

#include <cerrno>
#include <string>

namespace wirespan {
namespace {

class File {
 public:
  explicit File(int fd) : fd_(fd), error_(fd < 0 ? errno : 0) {}
  ~File() {
    if (fd_ >= 0) close(fd_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int fd() const { return fd_; }
  int error() const { return error_; }

 private:
  int fd_;
  int error_;
};

// Loads a program that does nothing but give this answer.
int LoadAnswering(const bpf_program* program, int answer, int target) {
  const bpf_insn instructions[] = {
      {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = answer},
      {.code = BPF_JMP | BPF_EXIT}};
  bpf_prog_load_opts options{};
  options.sz = sizeof(options);
  options.expected_attach_type = bpf_program__expected_attach_type(program);
  options.attach_btf_id = static_cast<uint32_t>(target);
  return bpf_prog_load(bpf_program__type(program), "ws_nothing", "GPL", instructions, 2, &options);
}

// The kernel's type that a tracing program is for: a function, or the typedef of a tracepoint;
// negative when there is none.
int TargetOf(const bpf_program* program, const btf* kernel) {
  const std::string section = bpf_program__section_name(program);
  const std::string target = section.substr(section.find('/') + 1);
  switch (bpf_program__expected_attach_type(program)) {
    case BPF_TRACE_RAW_TP:
      return btf__find_by_name_kind(kernel, ("btf_trace_" + target).c_str(), BTF_KIND_TYPEDEF);
    case BPF_TRACE_ITER:
      return btf__find_by_name_kind(kernel, ("bpf_iter_" + target).c_str(), BTF_KIND_FUNC);
    default:
      return btf__find_by_name_kind(kernel, target.c_str(), BTF_KIND_FUNC);
  }
}

HookAnswer TryTracing(const bpf_program* program, const btf* kernel) {
  const int target = TargetOf(program, kernel);
  // A module may have it.
  if (target < 0) return {};
  // The verifier takes no other answer of a tracepoint's program.
  const File loaded(LoadAnswering(program, 0, target));
  if (loaded.error() != 0) return {.is_known = true, .error = loaded.error()};
  // Attached, it would not run anyway.
  if (bpf_program__expected_attach_type(program) == BPF_TRACE_ITER) return {.is_known = true};
  const File link(bpf_raw_tracepoint_open(nullptr, loaded.fd()));
  return {.is_known = true, .error = link.error()};
}

HookAnswer TryCgroup(const bpf_program* program, const std::string& path) {
  const File cgroup(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (cgroup.error() != 0) return {.is_known = true, .error = cgroup.error()};
  // One of a cgroup lets everything through.
  const File loaded(LoadAnswering(program, 1, 0));
  if (loaded.error() != 0) return {.is_known = true, .error = loaded.error()};
  const File link(bpf_link_create(loaded.fd(), cgroup.fd(),
                                  bpf_program__expected_attach_type(program), nullptr));
  return {.is_known = true, .error = link.error()};
}

// Without kprobes in the kernel there is no such device. Where it is, the program itself is tried.
HookAnswer TryKprobe(const bpf_program* program) {
  const std::string section = bpf_program__section_name(program);
  if (section.rfind("kprobe/", 0) != 0) return {};
  if (access("/sys/bus/event_source/devices", F_OK) != 0) return {};
  if (access("/sys/bus/event_source/devices/kprobe", F_OK) == 0 || errno != ENOENT) return {};
  return {.is_known = true, .error = ENOENT};
}

}  // namespace

HookAnswer TryHook(const bpf_program* program, const btf* kernel, const std::string& cgroup) {
  switch (bpf_program__type(program)) {
    case BPF_PROG_TYPE_TRACING:
      return TryTracing(program, kernel);
    case BPF_PROG_TYPE_KPROBE:
      return TryKprobe(program);
    case BPF_PROG_TYPE_CGROUP_SKB:
    case BPF_PROG_TYPE_CGROUP_SOCKOPT:
      return cgroup.empty() ? HookAnswer{} : TryCgroup(program, cgroup);
    default:
      return {};
  }
}

}  // namespace wirespan
