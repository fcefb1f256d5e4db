// Argument readers with uniform messages. The first bad argument throws; the readers after it
// return empty values, so a function reads all its arguments and then asks Ok() once.
#ifndef WIRESPAN_NATIVE_ARGS_H_
#define WIRESPAN_NATIVE_ARGS_H_

#include <napi.h>

#include <string>

#include "error.h"

namespace wirespan {

// Bytes owned by JavaScript, valid until the addon returns or calls JavaScript.
struct Bytes {
  uint8_t* data = nullptr;
  size_t size = 0;
};

class Args {
 public:
  explicit Args(const Napi::CallbackInfo& info) : info_(info) {}

  bool Ok() const { return ok_; }

  std::string Text(size_t index, const char* name) {
    if (!info_[index].IsString()) return Bad(name, "a string"), std::string();
    std::string text = info_[index].As<Napi::String>().Utf8Value();
    if (text.find('\0') != std::string::npos) Bad(name, "a string without NUL");
    return text;
  }

  bool Flag(size_t index, const char* name) {
    if (!info_[index].IsBoolean()) return Bad(name, "a boolean"), false;
    return info_[index].As<Napi::Boolean>().Value();
  }

  uint32_t Count(size_t index, const char* name) {
    const double value =
        info_[index].IsNumber() ? info_[index].As<Napi::Number>().DoubleValue() : -1;
    if (!(value >= 0 && value <= 4294967295.0) || value != static_cast<uint32_t>(value)) {
      return Bad(name, "a whole number below 2^32"), 0;
    }
    return static_cast<uint32_t>(value);
  }

  Bytes Buffer(size_t index, const char* name) {
    if (!info_[index].IsTypedArray() ||
        info_[index].As<Napi::TypedArray>().TypedArrayType() != napi_uint8_array) {
      return Bad(name, "a Uint8Array"), Bytes{};
    }
    auto array = info_[index].As<Napi::Uint8Array>();
    return {array.Data(), array.ByteLength()};
  }

  Napi::Function Callback(size_t index, const char* name) {
    if (!info_[index].IsFunction()) return Bad(name, "a function"), Napi::Function();
    return info_[index].As<Napi::Function>();
  }

  // T has `static constexpr napi_type_tag kTag` and `static constexpr const char* kKind`.
  template <typename T>
  T* Handle(size_t index) {
    if (info_[index].IsExternal()) {
      auto external = info_[index].As<Napi::External<T>>();
      if (external.CheckTypeTag(&T::kTag)) return external.Data();
    }
    return Bad(T::kKind, "a live handle of this addon"), nullptr;
  }

 private:
  void Bad(const char* name, const char* expected) {
    if (ok_) {
      Throw(info_.Env(), {.code = "ERR_NATIVE_ARGUMENT",
                          .step = "read argument",
                          .object = name,
                          .reason = std::string("it is not ") + expected,
                          .advice = "correct the call"});
    }
    ok_ = false;
  }

  const Napi::CallbackInfo& info_;
  bool ok_ = true;
};

// A type-tagged external that deletes its T when collected or when the env ends.
template <typename T>
Napi::Value NewHandle(Napi::Env env, T* value) {
  auto handle = Napi::External<T>::New(env, value, [](Napi::Env, T* data) { delete data; });
  handle.TypeTag(&T::kTag);
  return handle;
}

}  // namespace wirespan

#endif  // WIRESPAN_NATIVE_ARGS_H_
