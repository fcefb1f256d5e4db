#ifndef WIRESPAN_NATIVE_END_H_
#define WIRESPAN_NATIVE_END_H_

#include <napi.h>

namespace wirespan {

void ExportEnd(Napi::Env env, Napi::Object exports);

}  // namespace wirespan

#endif  // WIRESPAN_NATIVE_END_H_
