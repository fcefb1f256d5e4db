#include "error.h"

#include <cerrno>
#include <cstring>

#include "env.h"

namespace wirespan {
namespace {

// Kernel-internal, but it reaches user space from map and link operations.
constexpr int kNotSupported = 524;

std::string NameOf(int error) {
  if (error == kNotSupported) return "ENOTSUPP";
  const char* name = strerrorname_np(error);
  return name ? name : "errno " + std::to_string(error);
}

std::string TextOf(int error) {
  if (error == kNotSupported) return "Operation not supported";
  const char* text = strerrordesc_np(error);
  return text ? text : "refused by libbpf";
}

const char* AdviceFor(int error) {
  switch (error) {
    case EPERM:
    case EACCES:
      return "run as root or with CAP_BPF and CAP_PERFMON (CAP_NET_ADMIN for cgroup programs), or "
             "choose a variant that this kernel permits";
    case ENOENT:
    case ESRCH:
      return "check the path, or choose a hook that this kernel has";
    case EINVAL:
    case ENOTSUP:
    case kNotSupported:
      return "this kernel or this kind of object does not support it; choose another variant";
    case EMFILE:
      return "raise the limit of open files of this process to 1024 (LimitNOFILE= in systemd, "
             "ulimit -n)";
    case ENFILE:
      return "raise the limit of open files of this machine (sysctl fs.file-max)";
    case ENOMEM:
      return "give the machine or the control group more memory, or make the maps smaller";
    case E2BIG:
      return "make the maps smaller";
    case EBUSY:
      return "wait until the other user of it has ended";
    default:
      return "see verifierLog";
  }
}

std::string MessageOf(const Failure& failure) {
  std::string message = "Cannot " + failure.step;
  if (!failure.object.empty()) message += " '" + failure.object + "'";
  message += ": ";
  message += failure.reason.empty() ? TextOf(failure.error) : failure.reason;
  if (failure.error != 0) message += " (" + NameOf(failure.error) + ")";
  message += "; ";
  // A verifier that has read the program refuses with EACCES or EINVAL, whatever the privilege.
  const bool is_verified = failure.log.find("\nprocessed ") != std::string::npos;
  // Before version 1.5 libbpf gives up when it may not look for a kernel function in modules.
  const bool needs_modules = failure.log.find("failed to iterate BTF objects") != std::string::npos;
  if (IsShortage(failure.error)) {
    message += AdviceFor(failure.error);
  } else if (!failure.advice.empty()) {
    message += failure.advice;
  } else if (needs_modules) {
    message +=
        "before Linux 6.2 this libbpf loads with CAP_SYS_ADMIN only: add it, it is given up "
        "when everything is loaded";
  } else {
    message += is_verified ? "the verifier refuses the program; see verifierLog"
                           : AdviceFor(failure.error);
  }
  return message + ".";
}

}  // namespace

bool IsShortage(int error) { return error == EMFILE || error == ENFILE || error == ENOMEM; }

void SetErrorClass(Napi::Env env, Napi::Function constructor) {
  DataOf(env).error_class = Napi::Persistent(constructor);
}

Napi::Value Throw(Napi::Env env, const Failure& failure) {
  if (env.IsExceptionPending()) return env.Undefined();
  const std::string message = MessageOf(failure);
  if (DataOf(env).error_class.IsEmpty()) {
    Napi::Error::New(env, message).ThrowAsJavaScriptException();
    return env.Undefined();
  }
  Napi::Object details = Napi::Object::New(env);
  details.Set("code", failure.code);
  details.Set("step", failure.step);
  if (failure.error != 0) details.Set("errno", failure.error);
  if (!failure.object.empty()) details.Set("object", failure.object);
  if (!failure.log.empty()) details.Set("verifierLog", failure.log);
  if (failure.needed > 0) details.Set("neededBytes", failure.needed);
  Napi::Value error = DataOf(env).error_class.New({Napi::String::New(env, message), details});
  if (!env.IsExceptionPending()) napi_throw(env, error);
  return env.Undefined();
}

Napi::Value Settle(Napi::Env env, const Status& status) {
  return status ? Throw(env, *status) : env.Undefined();
}

Failure Closed(const char* step) {
  return {.code = "ERR_NATIVE_STATE",
          .step = step,
          .reason = "it is closed",
          .advice = "open a new session"};
}

Failure Unknown(const char* what, const std::string& name) {
  return {.code = "ERR_NATIVE_UNKNOWN",
          .step = std::string("find ") + what,
          .object = name,
          .reason = "the object has none of this name",
          .advice = "use a name that the BPF object declares"};
}

Failure WrongSize(const std::string& object, size_t expected, size_t got) {
  return {.code = "ERR_NATIVE_SIZE",
          .step = "use a buffer for",
          .object = object,
          .reason = "it has " + std::to_string(got) + " bytes",
          .advice = "give exactly " + std::to_string(expected) + " bytes",
          .needed = static_cast<double>(expected)};
}

}  // namespace wirespan
