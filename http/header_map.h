// The fields of one message in the order of their arrival; names lower case, as HTTP/2 has them.
// Owned by a message head; storage and text live in the exchange's arena or the head's slab.
// One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <span>
#include <string_view>

#include "base/arena.h"
#include "http/header_name.h"

namespace headgate::http {

struct HeaderField {
  HeaderId id = HeaderId::kOther;
  std::string_view name;   // lower case
  std::string_view value;  // without surrounding white space
};

class HeaderMap {
 public:
  explicit HeaderMap(base::Arena& arena) noexcept : arena_(&arena) {}
  HeaderMap(const HeaderMap&) = delete;
  HeaderMap& operator=(const HeaderMap&) = delete;

  // All text must live as long as the map (arena, slab that is held, static, pinned snapshot).
  void Add(HeaderId id, std::string_view name, std::string_view value) {
    if (size_ == capacity_) Grow();
    seen_ |= Bit(id);
    new (&fields_[size_++]) HeaderField{id, name, value};
  }
  void Add(HeaderId id, std::string_view value) { Add(id, HeaderText(id), value); }
  // The first such field takes the value, further ones go; added at the end if there was none.
  void Set(HeaderId id, std::string_view name, std::string_view value);
  void Set(HeaderId id, std::string_view value) { Set(id, HeaderText(id), value); }
  // Removes every such field; returns how many there were. A name in kOther's space goes by text.
  size_t Remove(HeaderId id);
  size_t Remove(HeaderId id, std::string_view lower_case_name);
  // Removes the fields for which `predicate(const HeaderField&)` is true, in one pass.
  template <class P>
  size_t RemoveIf(P&& predicate) {
    size_t kept = 0;
    for (size_t i = 0; i < size_; ++i) {
      if (!predicate(static_cast<const HeaderField&>(fields_[i]))) fields_[kept++] = fields_[i];
    }
    const size_t removed = size_ - kept;
    size_ = kept;
    return removed;
  }

  // False: there is no such field. True: there may be one.
  bool MayHave(HeaderId id) const noexcept { return (seen_ & Bit(id)) != 0; }
  // The first such field; nullptr if there is none.
  const HeaderField* Find(HeaderId id) const noexcept { return MayHave(id) ? Search(id) : nullptr; }
  const HeaderField* Find(HeaderId id, std::string_view lower_case_name) const noexcept;
  // The first such field's value; empty if there is none.
  std::string_view Get(HeaderId id) const noexcept {
    const HeaderField* field = Find(id);
    return field == nullptr ? std::string_view() : field->value;
  }
  size_t Count(HeaderId id) const noexcept;
  bool Has(HeaderId id) const noexcept { return Find(id) != nullptr; }

  std::span<const HeaderField> fields() const noexcept { return {fields_, size_}; }
  std::span<HeaderField> mutable_fields() noexcept { return {fields_, size_}; }
  size_t size() const noexcept { return size_; }
  void Clear() noexcept { size_ = seen_ = 0; }
  base::Arena& arena() const noexcept { return *arena_; }

 private:
  static_assert(kHeaderIdCount <= 64);
  static constexpr uint64_t Bit(HeaderId id) noexcept { return uint64_t{1} << static_cast<unsigned>(id); }
  void Grow();
  const HeaderField* Search(HeaderId id) const noexcept;

  base::Arena* arena_;
  HeaderField* fields_ = nullptr;  // grows within the arena: 32, 64, 128 ...
  size_t size_ = 0;
  size_t capacity_ = 0;
  uint64_t seen_ = 0;  // ids that were added; most of the ids that are looked for are not there
};

}  // namespace headgate::http
