#include "poller.h"

#include <sys/epoll.h>
#include <unistd.h>

#include <cerrno>

#include "ring.h"

namespace wirespan {

static Failure CannotWatch(const std::string& ring, int error) {
  return {.code = "ERR_NATIVE_MAP", .step = "watch ring", .object = ring, .error = error};
}

Status Poller::Watch(int ring_fd) {
  epoll_fd_ = epoll_create1(EPOLL_CLOEXEC);
  epoll_event event{};
  event.events = EPOLLIN | EPOLLET;
  if (epoll_fd_ < 0 || epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, ring_fd, &event) != 0) {
    return CannotWatch(ring_->name(), errno);
  }
  uv_loop_s* loop = nullptr;
  if (napi_get_uv_event_loop(env_, &loop) != napi_ok) return CannotWatch(ring_->name(), EINVAL);
  const int result = uv_poll_init(loop, &handle_, epoll_fd_);
  if (result != 0) return CannotWatch(ring_->name(), -result);
  return {};
}

Status Poller::Start(Napi::Env env, Ring* ring, Napi::Value ring_handle, Napi::Function callback) {
  auto* poller = new Poller(env);
  poller->ring_ = ring;
  if (Status status = poller->Watch(ring->fd())) {
    if (poller->epoll_fd_ >= 0) close(poller->epoll_fd_);
    delete poller;
    return status;
  }
  ring->poller = poller;
  poller->callback_ = Napi::Persistent(callback);
  poller->ring_handle_ = Napi::Reference<Napi::Value>::New(ring_handle, 1);
  poller->context_ = std::make_unique<Napi::AsyncContext>(env, "wirespan.ring");
  poller->handle_.data = poller;
  napi_add_async_cleanup_hook(
      env, [](napi_async_cleanup_hook_handle, void* data) { static_cast<Poller*>(data)->Stop(); },
      poller, &poller->hook_);
  uv_poll_start(&poller->handle_, UV_READABLE,
                [](uv_poll_t* handle, int, int) { static_cast<Poller*>(handle->data)->Call(); });
  uv_unref(reinterpret_cast<uv_handle_t*>(&poller->handle_));
  return {};
}

void Poller::Call() {
  epoll_event event{};
  // Takes the edge; nothing there means another read took it.
  if (stopped_ || epoll_wait(epoll_fd_, &event, 1, 0) <= 0) return;
  Napi::HandleScope scope(env_);
  napi_value result = nullptr;
  const napi_status status =
      napi_make_callback(env_, *context_, env_.Global(), callback_.Value(), 0, nullptr, &result);
  // Anything else, as when the env is being terminated, leaves nobody to tell.
  if (status != napi_pending_exception) return;
  napi_value error = nullptr;
  if (napi_get_and_clear_last_exception(env_, &error) == napi_ok) napi_fatal_exception(env_, error);
}

void Poller::Stop() {
  if (stopped_) return;
  stopped_ = true;
  ring_->poller = nullptr;
  ring_ = nullptr;
  callback_.Reset();
  ring_handle_.Reset();
  context_.reset();
  uv_poll_stop(&handle_);
  close(epoll_fd_);
  uv_close(reinterpret_cast<uv_handle_t*>(&handle_), [](uv_handle_t* handle) {
    auto* poller = static_cast<Poller*>(handle->data);
    napi_remove_async_cleanup_hook(poller->hook_);
    delete poller;
  });
}

}  // namespace wirespan
