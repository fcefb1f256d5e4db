// Calls JavaScript when the kernel wakes the reader of a ring.
#ifndef WIRESPAN_NATIVE_POLLER_H_
#define WIRESPAN_NATIVE_POLLER_H_

#include <napi.h>
#include <uv.h>

#include <memory>

#include "error.h"

namespace wirespan {

class Ring;

// Edge triggered: one call a wake-up, however much stays in the ring, so that records sent without
// a wake-up do not keep the loop busy. Never keeps the process alive. Deletes itself once libuv
// has let go of the handle; until then an async cleanup hook holds the env open.
class Poller {
 public:
  // `ring_handle` is held until Stop(): a ring that is watched is not collected.
  static Status Start(Napi::Env env, Ring* ring, Napi::Value ring_handle, Napi::Function callback);
  // Idempotent; the callback is not called afterwards.
  void Stop();

 private:
  explicit Poller(Napi::Env env) : env_(env) {}
  ~Poller() = default;
  Status Watch(int ring_fd);
  void Call();

  Napi::Env env_;
  Ring* ring_ = nullptr;
  int epoll_fd_ = -1;
  uv_poll_t handle_{};
  bool stopped_ = false;
  napi_async_cleanup_hook_handle hook_ = nullptr;
  Napi::FunctionReference callback_;
  Napi::Reference<Napi::Value> ring_handle_;
  std::unique_ptr<Napi::AsyncContext> context_;
};

}  // namespace wirespan

#endif  // WIRESPAN_NATIVE_POLLER_H_
