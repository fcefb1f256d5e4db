#ifndef WIRESPAN_NATIVE_PRIVILEGES_H_
#define WIRESPAN_NATIVE_PRIVILEGES_H_

#include <napi.h>

namespace wirespan {

void ExportPrivileges(Napi::Env env, Napi::Object exports);

}  // namespace wirespan

#endif  // WIRESPAN_NATIVE_PRIVILEGES_H_
