// An end that does not depend on Node's: process.exit() joins the threads of V8, which at times
// never comes to an end (nodejs/node#54918 and #64560 tell of it; seen once with 24.21).
#include "end.h"

#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>

#include "args.h"

namespace wirespan {
namespace {

std::atomic<int> end_status;

// Async-signal-safe. The kernel closes all descriptors, so programs are detached and maps freed.
void OnAlarm(int) { _exit(end_status.load(std::memory_order_relaxed)); }

// Returns 0, or the errno. The alarm outlives whatever the threads of the process wait for.
int EndWithin(int status, unsigned int seconds) {
  end_status.store(status, std::memory_order_relaxed);
  struct sigaction action {};
  action.sa_handler = OnAlarm;
  if (sigaction(SIGALRM, &action, nullptr) != 0) return errno;
  alarm(seconds);
  return 0;
}

Napi::Value JsEndWithin(const Napi::CallbackInfo& info) {
  Args args(info);
  const uint32_t status = args.Count(0, "status");
  const uint32_t seconds = args.Count(1, "seconds");
  if (!args.Ok()) return info.Env().Undefined();
  return Napi::Number::New(info.Env(), EndWithin(static_cast<int>(status), seconds));
}

}  // namespace

void ExportEnd(Napi::Env env, Napi::Object exports) {
  exports.Set("endWithin", Napi::Function::New(env, JsEndWithin, "endWithin"));
}

}  // namespace wirespan
