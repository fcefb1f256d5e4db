// SPDX-License-Identifier: Apache-2.0
// The one system call of the hook: setsockopt() with the shared value. See docs/hook.md.
#include <errno.h>
#include <node_api.h>
#include <stdint.h>
#include <sys/socket.h>

#define LEVEL 0x7773
#define NAME 1
#define VALUE_BYTES 26

// announce(fd, value): 0, or the errno. The value is a Uint8Array of 26 bytes.
static napi_value Announce(napi_env env, napi_callback_info info) {
  napi_value arguments[2], answer;
  size_t count = 2, length = 0;
  int32_t fd = -1, error = EINVAL;
  void* value = NULL;

  if (napi_get_cb_info(env, info, &count, arguments, NULL, NULL) == napi_ok && count == 2 &&
      napi_get_value_int32(env, arguments[0], &fd) == napi_ok &&
      napi_get_typedarray_info(env, arguments[1], NULL, &length, &value, NULL, NULL) == napi_ok &&
      length == VALUE_BYTES)
    error = setsockopt(fd, LEVEL, NAME, value, VALUE_BYTES) ? errno : 0;
  return napi_create_int32(env, error, &answer) == napi_ok ? answer : NULL;
}

NAPI_MODULE_INIT() {
  napi_value announce;

  if (napi_create_function(env, "announce", NAPI_AUTO_LENGTH, Announce, NULL, &announce) != napi_ok ||
      napi_set_named_property(env, exports, "announce", announce) != napi_ok)
    return NULL;
  return exports;
}
