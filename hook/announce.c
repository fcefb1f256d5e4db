// SPDX-License-Identifier: Apache-2.0
// The one system call of the hook: setsockopt() with the shared value. See docs/hook.md.
#include <errno.h>
#include <node_api.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#define LEVEL 0x7773
#define NAME 1
#define NAME_NEXT_CONNECT 2
#define VALUE_BYTES 26

// It is never used: the system call for a thread wants any socket. One for all threads of the process.
static atomic_int own_socket = -1;

// 0, or the errno. The value is a Uint8Array of 26 bytes.
static int Say(napi_env env, napi_value given, int fd, int name) {
  size_t length = 0;
  void* value = NULL;

  if (napi_get_typedarray_info(env, given, NULL, &length, &value, NULL, NULL) != napi_ok ||
      length != VALUE_BYTES)
    return EINVAL;
  return setsockopt(fd, LEVEL, name, value, VALUE_BYTES) ? errno : 0;
}

static napi_value Answer(napi_env env, int error) {
  napi_value answer;

  return napi_create_int32(env, error, &answer) == napi_ok ? answer : NULL;
}

// announce(fd, value): of the socket's next bytes.
static napi_value Announce(napi_env env, napi_callback_info info) {
  napi_value arguments[2];
  size_t count = 2;
  int32_t fd = -1;

  if (napi_get_cb_info(env, info, &count, arguments, NULL, NULL) != napi_ok || count != 2 ||
      napi_get_value_int32(env, arguments[0], &fd) != napi_ok)
    return Answer(env, EINVAL);
  return Answer(env, Say(env, arguments[1], fd, NAME));
}

// announceConnect(value): of the connect() that this thread calls next.
static napi_value AnnounceConnect(napi_env env, napi_callback_info info) {
  napi_value value;
  size_t count = 1;

  if (napi_get_cb_info(env, info, &count, &value, NULL, NULL) != napi_ok || count != 1)
    return Answer(env, EINVAL);
  return Answer(env, Say(env, value, own_socket, NAME_NEXT_CONNECT));
}

static void OpenOwnSocket(void) {
  int none = -1, fd;

  if (own_socket >= 0) return;
  fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd >= 0 && !atomic_compare_exchange_strong(&own_socket, &none, fd)) close(fd);
}

static napi_status Export(napi_env env, napi_value exports, const char* name, napi_callback call) {
  napi_value function;
  napi_status status = napi_create_function(env, name, NAPI_AUTO_LENGTH, call, NULL, &function);

  return status == napi_ok ? napi_set_named_property(env, exports, name, function) : status;
}

NAPI_MODULE_INIT() {
  OpenOwnSocket();
  if (Export(env, exports, "announce", Announce) != napi_ok ||
      Export(env, exports, "announceConnect", AnnounceConnect) != napi_ok)
    return NULL;
  return exports;
}
