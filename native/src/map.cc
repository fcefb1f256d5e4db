#include "map.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include "session.h"

namespace wirespan {
namespace {

constexpr int kNotSupported = 524;  // ENOTSUPP of the kernel: the map type has no batch operation
constexpr size_t kSpareEntries = 64;

struct Shape {
  std::string name;
  int fd = -1;
  size_t key = 0;
  size_t value = 0;  // all CPUs together for a per-CPU map
};

bool IsPerCpu(bpf_map_type type) {
  return type == BPF_MAP_TYPE_PERCPU_HASH || type == BPF_MAP_TYPE_PERCPU_ARRAY ||
         type == BPF_MAP_TYPE_LRU_PERCPU_HASH || type == BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE;
}

Status ShapeOf(const Session& session, const std::string& name, Shape* shape) {
  bpf_map* map = nullptr;
  if (Status status = session.LiveMap(name, &map)) return status;
  shape->name = name;
  shape->fd = bpf_map__fd(map);
  shape->key = bpf_map__key_size(map);
  shape->value = bpf_map__value_size(map);
  if (IsPerCpu(bpf_map__type(map))) {
    shape->value = (shape->value + 7) / 8 * 8 * static_cast<size_t>(libbpf_num_possible_cpus());
  }
  return {};
}

Failure Refused(const char* step, const Shape& shape, int error) {
  return {.code = "ERR_NATIVE_MAP", .step = step, .object = shape.name, .error = error};
}

Failure Short(const Shape& shape, size_t capacity) {
  return {.code = "ERR_NATIVE_SHORT",
          .step = "read map",
          .object = shape.name,
          .reason =
              "it has more than the " + std::to_string(capacity) + " entries that the buffers hold",
          .advice = "repeat with larger buffers"};
}

// Reads session, map and key, and a value when `with_value`; checks every length.
struct Request {
  Shape shape;
  Bytes key, value;
  bool ok = false;
  Request(const Napi::CallbackInfo& info, bool with_value) {
    Args args(info);
    auto* session = args.Handle<Session>(0);
    const std::string name = args.Text(1, "map");
    key = args.Buffer(2, "key");
    if (with_value) value = args.Buffer(3, "value");
    if (!args.Ok()) return;
    Status status = ShapeOf(*session, name, &shape);
    if (!status && key.size != shape.key) status = WrongSize("key of " + name, shape.key, key.size);
    if (!status && with_value && value.size != shape.value) {
      status = WrongSize("value of " + name, shape.value, value.size);
    }
    if (status) Throw(info.Env(), *status);
    ok = !status;
  }
};

Napi::Value Found(Napi::Env env, int result, const char* step, const Shape& shape) {
  if (result != 0 && result != -ENOENT) return Throw(env, Refused(step, shape, -result));
  return Napi::Boolean::New(env, result == 0);
}

Napi::Value JsLookup(const Napi::CallbackInfo& info) {
  Request request(info, true);
  if (!request.ok) return info.Env().Undefined();
  const int result = bpf_map_lookup_elem(request.shape.fd, request.key.data, request.value.data);
  return Found(info.Env(), result, "look up in map", request.shape);
}

Napi::Value JsUpdate(const Napi::CallbackInfo& info) {
  Request request(info, true);
  if (!request.ok) return info.Env().Undefined();
  const int result =
      bpf_map_update_elem(request.shape.fd, request.key.data, request.value.data, BPF_ANY);
  if (result == 0) return info.Env().Undefined();
  return Throw(info.Env(), Refused("update map", request.shape, -result));
}

Napi::Value JsDelete(const Napi::CallbackInfo& info) {
  Request request(info, false);
  if (!request.ok) return info.Env().Undefined();
  const int result = bpf_map_delete_elem(request.shape.fd, request.key.data);
  return Found(info.Env(), result, "delete from map", request.shape);
}

// Where a walk puts its entries: the caller's buffers, then spare room that only tells "too small".
class Sink {
 public:
  Sink(const Shape& shape, Bytes keys, Bytes values)
      : shape_(shape),
        keys_(keys),
        values_(values),
        capacity_(std::min(keys.size / std::max<size_t>(shape.key, 1),
                           values.size / std::max<size_t>(shape.value, 1))) {}

  size_t capacity() const { return capacity_; }
  size_t count() const { return count_; }
  bool IsFull() const { return count_ == capacity_; }
  size_t Room() const { return IsFull() ? kSpareEntries : capacity_ - count_; }
  uint8_t* Key() {
    return IsFull() ? Spare(&spare_keys_, shape_.key) : keys_.data + count_ * shape_.key;
  }
  uint8_t* Value() {
    return IsFull() ? Spare(&spare_values_, shape_.value) : values_.data + count_ * shape_.value;
  }
  // False when the entries did not go to the caller.
  bool Take(size_t entries) {
    if (entries > 0 && IsFull()) return false;
    count_ += entries;
    return true;
  }

 private:
  static uint8_t* Spare(std::vector<uint8_t>* bytes, size_t entry) {
    bytes->resize(kSpareEntries * entry);
    return bytes->data();
  }

  const Shape& shape_;
  Bytes keys_, values_;
  size_t capacity_, count_ = 0;
  std::vector<uint8_t> spare_keys_, spare_values_;
};

// The kernel's cursor is a bucket number or a key: whichever is larger.
Status WalkBatches(const Shape& shape, Sink* sink, bool* unsupported) {
  std::vector<uint8_t> cursor(std::max<size_t>(shape.key, 8));
  std::vector<uint8_t> next(cursor.size());
  for (bool first = true;; first = false) {
    uint32_t count = static_cast<uint32_t>(sink->Room());
    const int result = bpf_map_lookup_batch(shape.fd, first ? nullptr : cursor.data(), next.data(),
                                            sink->Key(), sink->Value(), &count, nullptr);
    if (first && (result == -kNotSupported || result == -EOPNOTSUPP || result == -EINVAL)) {
      *unsupported = true;
      return {};
    }
    // ENOSPC: one bucket has more entries than there is room.
    if (result == -ENOSPC) return Short(shape, sink->capacity());
    if (result != 0 && result != -ENOENT) return Refused("read map", shape, -result);
    if (!sink->Take(count)) return Short(shape, sink->capacity());
    if (result == -ENOENT) return {};
    cursor.swap(next);
  }
}

Status WalkKeys(const Shape& shape, Sink* sink) {
  std::vector<uint8_t> key(shape.key);
  for (bool first = true;; first = false) {
    const int end = bpf_map_get_next_key(shape.fd, first ? nullptr : key.data(), key.data());
    if (end == -ENOENT) return {};
    if (end != 0) return Refused("read map", shape, -end);
    if (sink->IsFull()) return Short(shape, sink->capacity());
    const int result = bpf_map_lookup_elem(shape.fd, key.data(), sink->Value());
    if (result == -ENOENT) continue;  // deleted meanwhile
    if (result != 0) return Refused("read map", shape, -result);
    memcpy(sink->Key(), key.data(), shape.key);
    sink->Take(1);
  }
}

Napi::Value JsLookupBatch(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  Args args(info);
  auto* session = args.Handle<Session>(0);
  const std::string name = args.Text(1, "map");
  const Bytes keys = args.Buffer(2, "keys");
  const Bytes values = args.Buffer(3, "values");
  if (!args.Ok()) return env.Undefined();
  Shape shape;
  if (Status status = ShapeOf(*session, name, &shape)) return Throw(env, *status);
  Sink sink(shape, keys, values);
  bool unsupported = false;
  Status status = WalkBatches(shape, &sink, &unsupported);
  if (unsupported) status = WalkKeys(shape, &sink);
  if (status) return Throw(env, *status);
  return Napi::Number::New(env, static_cast<double>(sink.count()));
}

Napi::Value JsMapId(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  Args args(info);
  auto* session = args.Handle<Session>(0);
  const std::string name = args.Text(1, "map");
  if (!args.Ok()) return env.Undefined();
  Shape shape;
  if (Status status = ShapeOf(*session, name, &shape)) return Throw(env, *status);
  bpf_map_info kernel{};
  uint32_t length = sizeof(kernel);
  const int result = bpf_obj_get_info_by_fd(shape.fd, &kernel, &length);
  if (result != 0) return Throw(env, Refused("ask about map", shape, -result));
  return Napi::Number::New(env, kernel.id);
}

}  // namespace

void ExportMap(Napi::Env env, Napi::Object exports) {
  const auto add = [&](const char* name, Napi::Value (*function)(const Napi::CallbackInfo&)) {
    exports.Set(name, Napi::Function::New(env, function, name));
  };
  add("lookup", JsLookup);
  add("update", JsUpdate);
  add("remove", JsDelete);
  add("lookupBatch", JsLookupBatch);
  add("mapId", JsMapId);
}

}  // namespace wirespan
