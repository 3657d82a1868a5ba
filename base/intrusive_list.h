// A doubly linked list whose links live in the elements: no allocation, O(1) removal of a known element.
// The list owns nothing; an element leaves its list when it is destroyed.
// One thread.
#pragma once

#include <cstddef>

namespace headgate::base {

// Derive from ListNode<Tag> once for each list an element may be in at a time.
template <class Tag>
class ListNode {
 public:
  ListNode() noexcept = default;
  ListNode(const ListNode&) = delete;
  ListNode& operator=(const ListNode&) = delete;
  ~ListNode() { Unlink(); }
  bool linked() const noexcept { return next_ != nullptr; }
  void Unlink() noexcept {
    if (next_ == nullptr) return;
    previous_->next_ = next_;
    next_->previous_ = previous_;
    next_ = previous_ = nullptr;
  }

 private:
  template <class T, class U>
  friend class IntrusiveList;
  ListNode* next_ = nullptr;
  ListNode* previous_ = nullptr;
};

template <class T, class Tag>
class IntrusiveList {
 public:
  IntrusiveList() noexcept { head_.next_ = head_.previous_ = &head_; }
  IntrusiveList(const IntrusiveList&) = delete;
  IntrusiveList& operator=(const IntrusiveList&) = delete;
  ~IntrusiveList() {
    while (!empty()) head_.next_->Unlink();
    head_.next_ = head_.previous_ = nullptr;
  }

  bool empty() const noexcept { return head_.next_ == &head_; }
  T* front() noexcept { return empty() ? nullptr : static_cast<T*>(head_.next_); }
  T* back() noexcept { return empty() ? nullptr : static_cast<T*>(head_.previous_); }
  // An element that is in a list already, this one or another, leaves it first.
  void PushBack(T& element) noexcept {
    ListNode<Tag>& node = element;
    node.Unlink();  // before looking at its neighbours to be: it may be one of them
    Insert(node, *head_.previous_, head_);
  }
  void PushFront(T& element) noexcept {
    ListNode<Tag>& node = element;
    node.Unlink();
    Insert(node, head_, *head_.next_);
  }
  T* PopFront() noexcept {
    T* element = front();
    if (element != nullptr) static_cast<ListNode<Tag>*>(element)->Unlink();
    return element;
  }
  // Calls `visit` for each element; `visit` may unlink or destroy the element it is given, no other.
  template <class F>
  void ForEach(F&& visit) {
    for (ListNode<Tag>* node = head_.next_; node != &head_;) {
      ListNode<Tag>* next = node->next_;
      visit(*static_cast<T*>(node));
      node = next;
    }
  }

 private:
  static void Insert(ListNode<Tag>& node, ListNode<Tag>& before, ListNode<Tag>& after) noexcept {
    node.previous_ = &before;
    node.next_ = &after;
    before.next_ = &node;
    after.previous_ = &node;
  }
  ListNode<Tag> head_;
};

}  // namespace headgate::base
