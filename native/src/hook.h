// A cheap question to the kernel: does a program's hook take programs.
#ifndef WIRESPAN_NATIVE_HOOK_H_
#define WIRESPAN_NATIVE_HOOK_H_

#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include <string>

namespace wirespan {

struct HookAnswer {
  // False for hooks of kinds that only the program itself can try.
  bool is_known = false;
  // The errno with which the kernel refuses, 0 when it takes programs there.
  int error = 0;
};

// `cgroup`: the directory for programs of a cgroup. Nothing stays attached.
HookAnswer TryHook(const bpf_program* program, const btf* kernel, const std::string& cgroup);

}  // namespace wirespan

#endif  // WIRESPAN_NATIVE_HOOK_H_
