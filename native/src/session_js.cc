// The functions of index.ts that take a session. Receivers are checked by type tag in Args.
#include "hook.h"
#include "probe.h"
#include "session.h"

namespace wirespan {
namespace {

Napi::Value TextOrEmpty(Napi::Env env, const char* text) {
  return Napi::String::New(env, text == nullptr ? "" : text);
}

Napi::Value JsOpen(const Napi::CallbackInfo& info) {
  Args args(info);
  const std::string path = args.Text(0, "objectPath");
  if (!args.Ok()) return info.Env().Undefined();
  auto* session = new Session(path);
  if (Status status = session->Open()) {
    delete session;
    return Throw(info.Env(), *status);
  }
  return NewHandle(info.Env(), session);
}

Napi::Value JsClose(const Napi::CallbackInfo& info) {
  Args args(info);
  auto* session = args.Handle<Session>(0);
  if (args.Ok()) session->Close();
  return info.Env().Undefined();
}

Napi::Value JsPrograms(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  Args args(info);
  auto* session = args.Handle<Session>(0);
  if (!args.Ok()) return env.Undefined();
  if (!session->is_open()) return Throw(env, Closed("list programs"));
  Napi::Array list = Napi::Array::New(env);
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, session->object()) {
    Napi::Object entry = Napi::Object::New(env);
    const auto attach = bpf_program__expected_attach_type(program);
    entry.Set("name", bpf_program__name(program));
    entry.Set("section", bpf_program__section_name(program));
    entry.Set("type", TextOrEmpty(env, libbpf_bpf_prog_type_str(bpf_program__type(program))));
    entry.Set("expectedAttachType", TextOrEmpty(env, libbpf_bpf_attach_type_str(attach)));
    list.Set(list.Length(), entry);
  }
  return list;
}

Napi::Object Describe(Napi::Env env, const bpf_map* map) {
  Napi::Object entry = Napi::Object::New(env);
  entry.Set("name", bpf_map__name(map));
  entry.Set("type", TextOrEmpty(env, libbpf_bpf_map_type_str(bpf_map__type(map))));
  entry.Set("keySize", bpf_map__key_size(map));
  entry.Set("valueSize", bpf_map__value_size(map));
  entry.Set("maxEntries", bpf_map__max_entries(map));
  return entry;
}

Napi::Value JsMaps(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  Args args(info);
  auto* session = args.Handle<Session>(0);
  if (!args.Ok()) return env.Undefined();
  if (!session->is_open()) return Throw(env, Closed("list maps"));
  Napi::Array list = Napi::Array::New(env);
  bpf_map* map = nullptr;
  bpf_object__for_each_map(map, session->object()) list.Set(list.Length(), Describe(env, map));
  return list;
}

Napi::Value JsSetAutoload(const Napi::CallbackInfo& info) {
  Args args(info);
  auto* session = args.Handle<Session>(0);
  const std::string program = args.Text(1, "program");
  const bool on = args.Flag(2, "on");
  if (!args.Ok()) return info.Env().Undefined();
  return Settle(info.Env(), session->SetAutoload(program, on));
}

Napi::Value JsSetWeight(const Napi::CallbackInfo& info) {
  Args args(info);
  auto* session = args.Handle<Session>(0);
  const std::string program = args.Text(1, "program");
  const uint32_t instructions = args.Count(2, "instructions");
  if (!args.Ok()) return info.Env().Undefined();
  return Settle(info.Env(), session->SetWeight(program, instructions));
}

Napi::Value JsSetMaxEntries(const Napi::CallbackInfo& info) {
  Args args(info);
  auto* session = args.Handle<Session>(0);
  const std::string map = args.Text(1, "map");
  const uint32_t count = args.Count(2, "maxEntries");
  if (!args.Ok()) return info.Env().Undefined();
  return Settle(info.Env(), session->SetMaxEntries(map, count));
}

// A method that takes a name and bytes.
template <Status (Session::*kMethod)(const std::string&, Bytes)>
Napi::Value JsVariable(const Napi::CallbackInfo& info) {
  Args args(info);
  auto* session = args.Handle<Session>(0);
  const std::string name = args.Text(1, "name");
  const Bytes bytes = args.Buffer(2, "value");
  if (!args.Ok()) return info.Env().Undefined();
  return Settle(info.Env(), (session->*kMethod)(name, bytes));
}

// A method that takes how many parts there may be.
template <Status (Session::*kMethod)(size_t)>
Napi::Value JsLoad(const Napi::CallbackInfo& info) {
  Args args(info);
  auto* session = args.Handle<Session>(0);
  const size_t most_parts = args.Count(1, "mostParts");
  if (!args.Ok()) return info.Env().Undefined();
  return Settle(info.Env(), (session->*kMethod)(most_parts));
}

// A method that takes the name of a program.
template <Status (Session::*kMethod)(const std::string&)>
Napi::Value JsProgram(const Napi::CallbackInfo& info) {
  Args args(info);
  auto* session = args.Handle<Session>(0);
  const std::string program = args.Text(1, "program");
  if (!args.Ok()) return info.Env().Undefined();
  return Settle(info.Env(), (session->*kMethod)(program));
}

Napi::Value JsAttachCgroup(const Napi::CallbackInfo& info) {
  Args args(info);
  auto* session = args.Handle<Session>(0);
  const std::string program = args.Text(1, "program");
  const std::string path = args.Text(2, "cgroupPath");
  if (!args.Ok()) return info.Env().Undefined();
  return Settle(info.Env(), session->AttachCgroup(program, path));
}

Napi::Value JsRunIterator(const Napi::CallbackInfo& info) {
  Args args(info);
  auto* session = args.Handle<Session>(0);
  const std::string program = args.Text(1, "program");
  const std::string map = args.Text(2, "map");
  const Bytes into = args.Buffer(3, "into");
  if (!args.Ok()) return info.Env().Undefined();
  size_t written = 0;
  if (Status status = session->RunIterator(program, map, into, &written)) {
    return Throw(info.Env(), *status);
  }
  return Napi::Number::New(info.Env(), static_cast<double>(written));
}

Napi::Value JsRunProgram(const Napi::CallbackInfo& info) {
  Args args(info);
  auto* session = args.Handle<Session>(0);
  const std::string program = args.Text(1, "program");
  const Bytes context = args.Buffer(2, "context");
  if (!args.Ok()) return info.Env().Undefined();
  uint32_t answer = 0;
  if (Status status = session->RunProgram(program, context, &answer)) {
    return Throw(info.Env(), *status);
  }
  return Napi::Number::New(info.Env(), answer);
}

Napi::Value JsTryLoad(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  Args args(info);
  const std::string path = args.Text(0, "objectPath");
  const std::string program = args.Text(1, "program");
  const std::string cgroup = args.Text(2, "cgroupPath");
  if (!args.Ok()) return env.Undefined();
  Status refused;
  if (Status status = TryLoad(path, program, cgroup, &refused)) return Throw(env, *status);
  Napi::Object answer = Napi::Object::New(env);
  answer.Set("ok", !refused);
  if (refused) {
    answer.Set("errno", refused->error);
    answer.Set("log", refused->log);
  }
  return answer;
}

Napi::Value JsTryHook(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  Args args(info);
  auto* session = args.Handle<Session>(0);
  const std::string name = args.Text(1, "program");
  const std::string cgroup = args.Text(2, "cgroupPath");
  if (!args.Ok()) return env.Undefined();
  bpf_program* program = nullptr;
  if (Status status = session->FindProgram(name, &program)) return Throw(env, *status);
  const btf* kernel = KernelTypes(env);
  if (kernel == nullptr) return env.Undefined();
  const HookAnswer answer = TryHook(program, kernel, cgroup);
  if (IsShortage(answer.error)) {
    return Throw(env, {.code = "ERR_NATIVE_LOAD",
                       .step = "try the hook of program",
                       .object = name,
                       .error = answer.error});
  }
  return answer.is_known ? Napi::Number::New(env, answer.error) : env.Undefined();
}

}  // namespace

void ExportSession(Napi::Env env, Napi::Object exports) {
  const auto add = [&](const char* name, Napi::Value (*function)(const Napi::CallbackInfo&)) {
    exports.Set(name, Napi::Function::New(env, function, name));
  };
  add("open", JsOpen);
  add("close", JsClose);
  add("programs", JsPrograms);
  add("maps", JsMaps);
  add("setAutoload", JsSetAutoload);
  add("setWeight", JsSetWeight);
  add("setMaxEntries", JsSetMaxEntries);
  add("setVariable", JsVariable<&Session::SetVariable>);
  add("getVariable", JsVariable<&Session::GetVariable>);
  add("beginLoad", JsLoad<&Session::BeginLoad>);
  add("load", JsLoad<&Session::Load>);
  add("attach", JsProgram<&Session::Attach>);
  add("attachCgroup", JsAttachCgroup);
  add("detach", JsProgram<&Session::Detach>);
  add("runIterator", JsRunIterator);
  add("runProgram", JsRunProgram);
  add("tryLoad", JsTryLoad);
  add("tryHook", JsTryHook);
}

}  // namespace wirespan
