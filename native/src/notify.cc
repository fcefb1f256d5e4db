// Tells a service manager how this process is, as sd_notify(3) does: Node has no sockets for
// datagrams in the file system.
#include "notify.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "args.h"

namespace wirespan {
namespace {

// 0, or the errno. Never waits: a manager whose queue is full misses the message.
int Send(const std::string& path, const std::string& text) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) return ENAMETOOLONG;
  memcpy(address.sun_path, path.data(), path.size());
  // A name that begins so is one of the abstract namespace.
  if (path[0] == '@') address.sun_path[0] = '\0';
  const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return errno;
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
  const ssize_t sent = sendto(fd, text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT,
                              reinterpret_cast<const sockaddr*>(&address), length);
  const int error = sent < 0 ? errno : 0;
  close(fd);
  return error;
}

Napi::Value JsNotify(const Napi::CallbackInfo& info) {
  Args args(info);
  const std::string path = args.Text(0, "path");
  const std::string text = args.Text(1, "text");
  if (!args.Ok()) return info.Env().Undefined();
  return Napi::Number::New(info.Env(), Send(path, text));
}

}  // namespace

void ExportNotify(Napi::Env env, Napi::Object exports) {
  exports.Set("notify", Napi::Function::New(env, JsNotify, "notify"));
}

}  // namespace wirespan
