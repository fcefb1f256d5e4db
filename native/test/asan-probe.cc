// An addon with one mistake on purpose: it shows that the sanitizer is there and looks.
#include <node_api.h>

#include <cstdint>
#include <vector>

static napi_value ReadPastEnd(napi_env env, napi_callback_info) {
  std::vector<uint8_t> bytes(8);
  volatile size_t at = bytes.size();
  napi_value result = nullptr;
  napi_create_uint32(env, bytes.data()[at], &result);
  return result;
}

NAPI_MODULE_INIT() {
  napi_value function = nullptr;
  napi_create_function(env, "readPastEnd", NAPI_AUTO_LENGTH, ReadPastEnd, nullptr, &function);
  napi_set_named_property(env, exports, "readPastEnd", function);
  return exports;
}
