// The kernel's own account of each program.
#include <bpf/bpf.h>
#include <unistd.h>

#include "probe.h"
#include "session.h"

namespace wirespan {
namespace {

// While one is open the kernel measures the run time of every BPF program.
struct StatsSwitch {
  static constexpr napi_type_tag kTag = {0x5de28a17f4b0439c, 0x96c1e70b3d5f82a8};
  static constexpr const char* kKind = "stats";
  int fd;
  explicit StatsSwitch(int open_fd) : fd(open_fd) {}
  ~StatsSwitch() { Close(); }
  void Close() {
    if (fd >= 0) close(fd);
    fd = -1;
  }
};

Napi::Value JsEnableStats(const Napi::CallbackInfo& info) {
  const int fd = bpf_enable_stats(BPF_STATS_RUN_TIME);
  if (fd < 0) {
    return Throw(info.Env(), {.code = "ERR_NATIVE_STATS",
                              .step = "enable BPF statistics",
                              .error = -fd,
                              .advice = "run as root or with CAP_SYS_ADMIN"});
  }
  return NewHandle(info.Env(), new StatsSwitch(fd));
}

Napi::Value JsDisableStats(const Napi::CallbackInfo& info) {
  Args args(info);
  auto* stats = args.Handle<StatsSwitch>(0);
  if (args.Ok()) stats->Close();
  return info.Env().Undefined();
}

Napi::Value JsProgramStats(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  Args args(info);
  auto* session = args.Handle<Session>(0);
  const std::string name = args.Text(1, "program");
  if (!args.Ok()) return env.Undefined();
  bpf_program* program = nullptr;
  if (Status status = session->LiveProgram(name, &program)) return Throw(env, *status);
  bpf_prog_info kernel{};
  uint32_t length = sizeof(kernel);
  const int result = bpf_obj_get_info_by_fd(bpf_program__fd(program), &kernel, &length);
  if (result != 0) {
    return Throw(env, {.code = "ERR_NATIVE_STATS",
                       .step = "ask about program",
                       .object = name,
                       .error = -result});
  }
  Napi::Object answer = Napi::Object::New(env);
  answer.Set("runTimeNs", Napi::BigInt::New(env, static_cast<uint64_t>(kernel.run_time_ns)));
  answer.Set("runs", Napi::BigInt::New(env, static_cast<uint64_t>(kernel.run_cnt)));
  answer.Set("recursionMisses",
             Napi::BigInt::New(env, static_cast<uint64_t>(kernel.recursion_misses)));
  answer.Set("verifiedInsns", kernel.verified_insns);
  answer.Set("id", kernel.id);
  answer.Set("jitedLength", kernel.jited_prog_len);
  return answer;
}

}  // namespace

void ExportStats(Napi::Env env, Napi::Object exports) {
  const auto add = [&](const char* name, Napi::Value (*function)(const Napi::CallbackInfo&)) {
    exports.Set(name, Napi::Function::New(env, function, name));
  };
  add("enableStats", JsEnableStats);
  add("disableStats", JsDisableStats);
  add("programStats", JsProgramStats);
}

}  // namespace wirespan
