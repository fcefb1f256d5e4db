// Questions to the running kernel's BTF. It is parsed once an env and given back on request.
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include <cerrno>

#include "args.h"
#include "env.h"
#include "log.h"
#include "probe.h"

namespace wirespan {

const btf* KernelTypes(Napi::Env env) {
  EnvData& data = DataOf(env);
  if (data.kernel_btf != nullptr) return data.kernel_btf;
  LogCapture log;
  data.kernel_btf = btf__load_vmlinux_btf();
  if (data.kernel_btf == nullptr) {
    Throw(env, {.code = "ERR_NATIVE_BTF",
                .step = "read kernel types",
                .object = "/sys/kernel/btf/vmlinux",
                .error = errno,
                .advice = "use a kernel that is built with CONFIG_DEBUG_INFO_BTF"});
  }
  return data.kernel_btf;
}

namespace {

const char* NameAt(const btf* types, uint32_t offset) { return btf__name_by_offset(types, offset); }

// The enum without a name that begins with this member; null when there is none.
const btf_type* AnonymousEnum(const btf* types, const std::string& first) {
  for (uint32_t id = 1; id < btf__type_cnt(types); ++id) {
    const btf_type* type = btf__type_by_id(types, id);
    if (btf_is_enum(type) && type->name_off == 0 && btf_vlen(type) > 0 &&
        first == NameAt(types, btf_enum(type)[0].name_off)) {
      return type;
    }
  }
  return nullptr;
}

const btf_type* EnumOf(const btf* types, const std::string& name) {
  const int id = btf__find_by_name_kind(types, name.c_str(), BTF_KIND_ENUM);
  if (id < 0) return AnonymousEnum(types, name);
  return btf__type_by_id(types, static_cast<uint32_t>(id));
}

Napi::Value JsKernelEnum(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  Args args(info);
  const std::string name = args.Text(0, "name");
  if (!args.Ok()) return env.Undefined();
  const btf* types = KernelTypes(env);
  if (types == nullptr) return env.Undefined();
  Napi::Object values = Napi::Object::New(env);
  const btf_type* type = EnumOf(types, name);
  if (type == nullptr) return values;
  const struct btf_enum* entries = btf_enum(type);
  const bool is_signed = btf_kflag(type);
  for (uint16_t i = 0; i < btf_vlen(type); ++i) {
    const int32_t value = entries[i].val;
    const double number = is_signed ? value : static_cast<double>(static_cast<uint32_t>(value));
    values.Set(NameAt(types, entries[i].name_off), number);
  }
  return values;
}

Napi::Value JsKernelFunctionArity(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  Args args(info);
  const std::string name = args.Text(0, "typedef");
  if (!args.Ok()) return env.Undefined();
  const btf* types = KernelTypes(env);
  if (types == nullptr) return env.Undefined();
  const int id = btf__find_by_name_kind(types, name.c_str(), BTF_KIND_TYPEDEF);
  if (id < 0) return env.Undefined();
  const btf_type* pointer =
      btf__type_by_id(types, btf__type_by_id(types, static_cast<uint32_t>(id))->type);
  if (!btf_is_ptr(pointer)) return env.Undefined();
  const btf_type* function = btf__type_by_id(types, pointer->type);
  if (!btf_is_func_proto(function) || btf_vlen(function) == 0) return env.Undefined();
  return Napi::Number::New(env, btf_vlen(function) - 1);
}

Napi::Value JsKernelHasType(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  Args args(info);
  const std::string kind = args.Text(0, "kind");
  const std::string name = args.Text(1, "name");
  if (!args.Ok()) return env.Undefined();
  const btf* types = KernelTypes(env);
  if (types == nullptr) return env.Undefined();
  const uint32_t wanted = kind == "struct"    ? BTF_KIND_STRUCT
                          : kind == "func"    ? BTF_KIND_FUNC
                          : kind == "typedef" ? BTF_KIND_TYPEDEF
                                              : 0;
  if (wanted == 0) {
    return Throw(env, {.code = "ERR_NATIVE_ARGUMENT",
                       .step = "read argument",
                       .object = "kind",
                       .reason = "it is '" + kind + "'",
                       .advice = "use struct, func or typedef"});
  }
  return Napi::Boolean::New(env, btf__find_by_name_kind(types, name.c_str(), wanted) > 0);
}

Napi::Value JsReleaseKernelTypes(const Napi::CallbackInfo& info) {
  EnvData& data = DataOf(info.Env());
  btf__free(data.kernel_btf);
  data.kernel_btf = nullptr;
  return info.Env().Undefined();
}

}  // namespace

void ExportKernelTypes(Napi::Env env, Napi::Object exports) {
  const auto add = [&](const char* name, Napi::Value (*function)(const Napi::CallbackInfo&)) {
    exports.Set(name, Napi::Function::New(env, function, name));
  };
  add("kernelEnum", JsKernelEnum);
  add("kernelFunctionArity", JsKernelFunctionArity);
  add("kernelHasType", JsKernelHasType);
  add("releaseKernelTypes", JsReleaseKernelTypes);
}

}  // namespace wirespan
