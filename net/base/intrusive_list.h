// SPDX-License-Identifier: MIT
//
// A doubly linked list through its members: joining and leaving allocate nothing and cannot fail.
//
// A member derives from ListNode (once per list it may be in, told apart by Tag) and leaves its
// list when it is destroyed. The list owns no member and must outlive none.

#pragma once

#include "net/base/check.h"

namespace hilo {

template <class Tag = void>
class ListNode {
 public:
  ListNode() noexcept = default;
  ListNode(const ListNode&) = delete;
  ListNode& operator=(const ListNode&) = delete;
  ~ListNode() { unlink(); }

  bool linked() const noexcept { return next_ != this; }
  void unlink() noexcept {
    previous_->next_ = next_;
    next_->previous_ = previous_;
    previous_ = next_ = this;
  }

 private:
  template <class T, class U>
  friend class IntrusiveList;

  ListNode* previous_ = this;
  ListNode* next_ = this;
};

template <class T, class Tag = void>
class IntrusiveList {
  using Node = ListNode<Tag>;

 public:
  bool empty() const noexcept { return !head_.linked(); }
  T* front() noexcept { return empty() ? nullptr : static_cast<T*>(head_.next_); }

  void push_back(T& member) noexcept {
    Node& node = member;
    HILO_DCHECK(!node.linked());
    node.previous_ = head_.previous_;
    node.next_ = &head_;
    head_.previous_->next_ = &node;
    head_.previous_ = &node;
  }
  T* pop_front() noexcept {
    T* member = front();
    if (member != nullptr) static_cast<Node*>(member)->unlink();
    return member;
  }
  // Moves every member of `other` to the end of this list, in order.
  void take(IntrusiveList& other) noexcept {
    while (T* member = other.pop_front()) push_back(*member);
  }

 private:
  Node head_;
};

}  // namespace hilo
