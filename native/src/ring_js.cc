// The functions of index.ts that take a ring.
#include <bpf/libbpf.h>

#include "poller.h"
#include "ring.h"
#include "session.h"

namespace wirespan {
namespace {

Napi::Value JsRing(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  Args args(info);
  auto* session = args.Handle<Session>(0);
  const std::string name = args.Text(1, "map");
  if (!args.Ok()) return env.Undefined();
  bpf_map* map = nullptr;
  if (Status status = session->LiveMap(name, &map)) return Throw(env, *status);
  if (bpf_map__type(map) != BPF_MAP_TYPE_RINGBUF) {
    return Throw(env, {.code = "ERR_NATIVE_KIND",
                       .step = "open ring",
                       .object = name,
                       .reason = "this map is no ring buffer",
                       .advice = "name a BPF_MAP_TYPE_RINGBUF map"});
  }
  auto* ring = new Ring(name);
  if (Status status = ring->Open(bpf_map__fd(map), bpf_map__max_entries(map))) {
    delete ring;
    return Throw(env, *status);
  }
  return NewHandle(env, ring);
}

Ring* OpenRing(const Napi::CallbackInfo& info, Args& args, const char* step) {
  auto* ring = args.Handle<Ring>(0);
  if (!args.Ok()) return nullptr;
  if (ring->is_open()) return ring;
  Throw(info.Env(), Closed(step));
  return nullptr;
}

Napi::Value JsDrain(const Napi::CallbackInfo& info) {
  Args args(info);
  Ring* ring = OpenRing(info, args, "drain ring");
  if (ring == nullptr) return info.Env().Undefined();
  const Bytes into = args.Buffer(1, "into");
  if (!args.Ok()) return info.Env().Undefined();
  size_t written = 0;
  if (Status status = ring->Drain(into, &written)) return Throw(info.Env(), *status);
  return Napi::Number::New(info.Env(), static_cast<double>(written));
}

Napi::Value JsOnReadable(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  Args args(info);
  Ring* ring = OpenRing(info, args, "watch ring");
  if (ring == nullptr) return env.Undefined();
  Napi::Function callback = args.Callback(1, "callback");
  if (!args.Ok()) return env.Undefined();
  if (ring->poller != nullptr) ring->poller->Stop();
  return Settle(env, Poller::Start(env, ring, info[0], callback));
}

// Which is one of the counters below; a closed ring keeps its counts and has nothing unread.
Napi::Value JsRingState(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  Args args(info);
  auto* ring = args.Handle<Ring>(0);
  if (!args.Ok()) return env.Undefined();
  Napi::Object state = Napi::Object::New(env);
  state.Set("size", static_cast<double>(ring->size()));
  state.Set("unread", ring->is_open() ? static_cast<double>(ring->Unread()) : 0.0);
  state.Set("records", static_cast<double>(ring->records()));
  state.Set("misframed", static_cast<double>(ring->misframed()));
  return state;
}

Napi::Value JsCloseRing(const Napi::CallbackInfo& info) {
  Args args(info);
  auto* ring = args.Handle<Ring>(0);
  if (args.Ok()) ring->Close();
  return info.Env().Undefined();
}

}  // namespace

void ExportRing(Napi::Env env, Napi::Object exports) {
  const auto add = [&](const char* name, Napi::Value (*function)(const Napi::CallbackInfo&)) {
    exports.Set(name, Napi::Function::New(env, function, name));
  };
  add("ring", JsRing);
  add("drain", JsDrain);
  add("onReadable", JsOnReadable);
  add("ringState", JsRingState);
  add("closeRing", JsCloseRing);
}

}  // namespace wirespan
