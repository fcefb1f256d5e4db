// Elements of the maps of a loaded session.
#ifndef WIRESPAN_NATIVE_MAP_H_
#define WIRESPAN_NATIVE_MAP_H_

#include <napi.h>

namespace wirespan {

void ExportMap(Napi::Env env, Napi::Object exports);

}  // namespace wirespan

#endif  // WIRESPAN_NATIVE_MAP_H_
