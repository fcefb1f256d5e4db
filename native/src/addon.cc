// Module init and export table only. Everything exported is wrapped by index.ts.
#include <napi.h>

#include "args.h"
#include "end.h"
#include "env.h"
#include "log.h"
#include "map.h"
#include "notify.h"
#include "privileges.h"
#include "probe.h"
#include "ring.h"
#include "session.h"

namespace wirespan {
namespace {

Napi::Value JsSetErrorClass(const Napi::CallbackInfo& info) {
  Args args(info);
  Napi::Function constructor = args.Callback(0, "errorClass");
  if (args.Ok()) SetErrorClass(info.Env(), constructor);
  return info.Env().Undefined();
}

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  InstallPrinter();
  env.SetInstanceData(new EnvData());
  exports.Set("setErrorClass", Napi::Function::New(env, JsSetErrorClass, "setErrorClass"));
  ExportSession(env, exports);
  ExportRing(env, exports);
  ExportMap(env, exports);
  ExportEnd(env, exports);
  ExportNotify(env, exports);
  ExportPrivileges(env, exports);
  ExportProbe(env, exports);
  ExportKernelTypes(env, exports);
  ExportStats(env, exports);
  return exports;
}

NODE_API_MODULE(wirespan, Init)

}  // namespace
}  // namespace wirespan
