#include "http/header_map.h"

#include <algorithm>

namespace headgate::http {

void HeaderMap::Grow() {
  // Two maps of the first size fit an arena's inline bytes.
  const size_t capacity = capacity_ == 0 ? 32 : capacity_ * 2;
  auto* fields = arena_->AllocateArray<HeaderField>(capacity);
  if (size_ != 0) std::copy_n(fields_, size_, fields);
  fields_ = fields;
  capacity_ = capacity;
}

void HeaderMap::Set(HeaderId id, std::string_view name, std::string_view value) {
  if (!MayHave(id)) return Add(id, name, value);
  bool found = false;
  RemoveIf([&](const HeaderField& field) {
    if (field.id != id || (id == HeaderId::kOther && field.name != name)) return false;
    if (found) return true;
    found = true;
    const_cast<HeaderField&>(field).value = value;
    return false;
  });
  if (!found) Add(id, name, value);
}

size_t HeaderMap::Remove(HeaderId id) {
  if (!MayHave(id)) return 0;
  seen_ &= ~Bit(id);
  return RemoveIf([id](const HeaderField& field) { return field.id == id; });
}

size_t HeaderMap::Remove(HeaderId id, std::string_view lower_case_name) {
  if (id != HeaderId::kOther) return Remove(id);
  return RemoveIf([lower_case_name](const HeaderField& field) {
    return field.id == HeaderId::kOther && field.name == lower_case_name;
  });
}

const HeaderField* HeaderMap::Search(HeaderId id) const noexcept {
  for (size_t i = 0; i < size_; ++i) {
    if (fields_[i].id == id) return &fields_[i];
  }
  return nullptr;
}

const HeaderField* HeaderMap::Find(HeaderId id, std::string_view lower_case_name) const noexcept {
  if (id != HeaderId::kOther) return Find(id);
  for (size_t i = 0; i < size_; ++i) {
    if (fields_[i].id == HeaderId::kOther && fields_[i].name == lower_case_name) return &fields_[i];
  }
  return nullptr;
}

size_t HeaderMap::Count(HeaderId id) const noexcept {
  if (!MayHave(id)) return 0;
  return static_cast<size_t>(
      std::count_if(fields_, fields_ + size_, [id](const HeaderField& field) { return field.id == id; }));
}

}  // namespace headgate::http
