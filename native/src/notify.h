#ifndef WIRESPAN_NATIVE_NOTIFY_H_
#define WIRESPAN_NATIVE_NOTIFY_H_

#include <napi.h>

namespace wirespan {

void ExportNotify(Napi::Env env, Napi::Object exports);

}  // namespace wirespan

#endif  // WIRESPAN_NATIVE_NOTIFY_H_
