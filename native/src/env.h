// What one env (main thread or worker) owns. There is no process-wide state in the addon.
#ifndef WIRESPAN_NATIVE_ENV_H_
#define WIRESPAN_NATIVE_ENV_H_

#include <bpf/btf.h>
#include <napi.h>

namespace wirespan {

struct EnvData {
  EnvData() = default;
  EnvData(const EnvData&) = delete;
  EnvData& operator=(const EnvData&) = delete;
  ~EnvData() { btf__free(kernel_btf); }

  Napi::FunctionReference error_class;
  btf* kernel_btf = nullptr;  // parsed at first use, given back by releaseKernelBtf
};

inline EnvData& DataOf(Napi::Env env) { return *env.GetInstanceData<EnvData>(); }

}  // namespace wirespan

#endif  // WIRESPAN_NATIVE_ENV_H_
