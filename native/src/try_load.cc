// The capability probe of one program: what the kernel says when it is really loaded.
#include <algorithm>

#include "session.h"

namespace wirespan {
namespace {

constexpr uint32_t kProbeEntries = 64;
constexpr uint32_t kProbeRingBytes = 4096;

// Small maps: a probe must not allocate what the real session will.
void Shrink(bpf_object* object) {
  bpf_map* map = nullptr;
  bpf_object__for_each_map(map, object) {
    switch (bpf_map__type(map)) {
      case BPF_MAP_TYPE_HASH:
      case BPF_MAP_TYPE_PERCPU_HASH:
      case BPF_MAP_TYPE_LRU_HASH:
      case BPF_MAP_TYPE_LRU_PERCPU_HASH:
        bpf_map__set_max_entries(map, std::min(kProbeEntries, bpf_map__max_entries(map)));
        break;
      case BPF_MAP_TYPE_RINGBUF:
        bpf_map__set_max_entries(map, kProbeRingBytes);
        break;
      default:
        break;
    }
  }
}

// Types whose attachment can be refused after a successful load, and which attach without a target.
bool AttachesAlone(const bpf_program* program) {
  switch (bpf_program__type(program)) {
    case BPF_PROG_TYPE_TRACING:
      return bpf_program__expected_attach_type(program) != BPF_TRACE_ITER;
    case BPF_PROG_TYPE_RAW_TRACEPOINT:
    case BPF_PROG_TYPE_TRACEPOINT:
    case BPF_PROG_TYPE_KPROBE:
    case BPF_PROG_TYPE_LSM:
      return true;
    default:
      return false;
  }
}

}  // namespace

Status TryLoad(const std::string& path, const std::string& name, const std::string& cgroup,
               Status* refused) {
  Session session(path);
  if (Status status = session.Open()) return status;
  bpf_program* wanted = nullptr;
  if (Status status = session.FindProgram(name, &wanted)) return status;
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, session.object()) {
    bpf_program__set_autoload(program, program == wanted);
  }
  Shrink(session.object());
  *refused = session.Load();
  if (!*refused && AttachesAlone(wanted)) *refused = session.Attach(name);
  if (!*refused && !cgroup.empty()) *refused = session.AttachCgroup(name, cgroup);
  // What this process lacks says nothing of the kernel.
  if (*refused && IsShortage((*refused)->error)) return *refused;
  return {};
}

}  // namespace wirespan
