// What this kernel and this process can do, and the clocks.
#ifndef WIRESPAN_NATIVE_PROBE_H_
#define WIRESPAN_NATIVE_PROBE_H_

#include <bpf/btf.h>
#include <napi.h>

namespace wirespan {

// The running kernel's types, kept until they are given back. Null with a pending exception when it
// has none.
const btf* KernelTypes(Napi::Env env);

void ExportProbe(Napi::Env env, Napi::Object exports);
void ExportKernelTypes(Napi::Env env, Napi::Object exports);
void ExportStats(Napi::Env env, Napi::Object exports);

}  // namespace wirespan

#endif  // WIRESPAN_NATIVE_PROBE_H_
