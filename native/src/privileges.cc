// What a thread may do from now on. Capabilities and "no new privileges" belong to threads, and a
// thread can only change its own: a signal runs the change in each of them.
#include "privileges.h"

#include <linux/capability.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>

#include "args.h"

namespace wirespan {
namespace {

// The lower and the upper half of the mask. One for the process, as its signal handler is.
std::atomic<uint32_t> kept[2];

// Async-signal-safe: system calls alone. What fails here is seen in the thread's status.
void Reduce() {
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  // What the thread has does not depend on its bounding set; what it would execute does.
  for (int cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; ++cap) {
    prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
  }
  prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2] = {};
  if (syscall(SYS_capget, &header, data) != 0) return;
  for (int half = 0; half < 2; ++half) {
    data[half].permitted &= kept[half].load(std::memory_order_relaxed);
    data[half].effective = data[half].permitted;
    data[half].inheritable = 0;
  }
  syscall(SYS_capset, &header, data);
}

void OnSignal(int) {
  const int error = errno;
  Reduce();
  errno = error;
}

// A real-time signal that nobody handles. It stays ours: a thread may take it much later, and the
// default action would end the process.
int Signal() {
  static const int chosen = [] {
    for (int number = SIGRTMAX; number >= SIGRTMIN; --number) {
      struct sigaction action {};
      if (sigaction(number, nullptr, &action) != 0 || action.sa_handler != SIG_DFL) continue;
      action.sa_handler = OnSignal;
      action.sa_flags = SA_RESTART;
      if (sigaction(number, &action, nullptr) == 0) return number;
    }
    return 0;
  }();
  return chosen;
}

Failure Refused(const char* step, int error) {
  return {.code = "ERR_NATIVE_PRIVILEGE", .step = step, .error = error};
}

// Asks a thread of this process to keep these capabilities alone. Of the calling thread it is done
// on return; of another one, when it takes the signal. False: there is no such thread any more.
Napi::Value JsReduceThread(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  Args args(info);
  const uint32_t thread = args.Count(0, "thread");
  const uint32_t low = args.Count(1, "low");
  const uint32_t high = args.Count(2, "high");
  if (!args.Ok()) return env.Undefined();
  kept[0] = low;
  kept[1] = high;
  if (Signal() == 0) return Throw(env, Refused("find a free real-time signal", EBUSY));
  if (syscall(SYS_tgkill, getpid(), thread, Signal()) == 0) return Napi::Boolean::New(env, true);
  if (errno == ESRCH) return Napi::Boolean::New(env, false);
  return Throw(env, Refused("signal a thread", errno));
}

// No core dump, and no other process of this user reads the memory. Of the whole process.
Napi::Value JsHideMemory(const Napi::CallbackInfo& info) {
  if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0) return info.Env().Undefined();
  return Throw(info.Env(), Refused("make the process not dumpable", errno));
}

}  // namespace

void ExportPrivileges(Napi::Env env, Napi::Object exports) {
  exports.Set("reduceThread", Napi::Function::New(env, JsReduceThread, "reduceThread"));
  exports.Set("hideMemory", Napi::Function::New(env, JsHideMemory, "hideMemory"));
}

}  // namespace wirespan
