// SPDX-License-Identifier: MIT

#include "net/loop.h"

#include <algorithm>
#include <new>
#include <utility>

#include "net/base/mid_page.h"
#include "net/clock.h"

namespace hilo::net {

namespace {

constexpr std::uint32_t slots_min = 64;

// The wakeup has no slot: this token is none that the table could give out.
constexpr Token wakeup_token{Loop::no_slot, 1};

constexpr unsigned all_phases = 7;

// How often one turn reaps and flushes before it lets the poller have a look. Two callbacks that
// schedule each other for ever must not keep descriptors and timers waiting.
constexpr int rounds_per_turn_max = 16;

// A number for the calling thread that no other living thread has, and that is not 0.
std::uint64_t this_thread() noexcept {
  thread_local const char mark = 0;
  return reinterpret_cast<std::uintptr_t>(&mark);
}

// The first `used` of them stay; false, and all do, without memory.
template <class Element>
bool grow(Element*& elements, std::size_t used, std::size_t capacity) noexcept {
  void* const grown = grow_memory(elements, used * sizeof(Element), capacity * sizeof(Element));
  if (grown != nullptr) elements = static_cast<Element*>(grown);
  return grown != nullptr;
}

// The bits 1, 2 and 4 are the numbers 0, 1 and 2.
std::size_t index_of(Phase phase) noexcept {
  return std::size_t{static_cast<std::uint8_t>(phase)} >> 1;
}

}  // namespace

// One call_after().
class Loop::Delayed final : public Timer {
 public:
  Delayed(SlabHandle handle, Loop& loop, Callback<void()> callback)
      : handle_(handle), loop_(&loop), callback_(std::move(callback)) {}
  ~Delayed() { loop_->timers_.cancel(*this); }

 private:
  void on_timer(Time) override {
    // Gone before the call, so that the callback may do anything to its own id.
    Callback<void()> callback = std::move(callback_);
    loop_->delayed_.erase(handle_);
    callback();
  }

  SlabHandle handle_;
  Loop* loop_;
  Callback<void()> callback_;
};

// Marks the loop as run by this thread, also where a callback throws.
class Loop::Running {
 public:
  explicit Running(Loop& loop) noexcept : loop_(loop) {
    HILO_DCHECK(loop_.thread_.load() == 0);  // one thread, and not from within a callback
    loop_.thread_.store(this_thread());
    loop_.home_.store(this_thread(), std::memory_order_relaxed);
  }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;
  ~Running() { loop_.thread_.store(0); }

 private:
  Loop& loop_;
};

// ---- life --------------------------------------------------------------------------------------

Loop::Loop() noexcept : Loop(Options{}) {}

Loop::Loop(Options options) noexcept
    : options_(options),
      now_(clock_now()),
      timers_(now_),
      // Not filled with zeros: pages that no input ever reaches are never made.
      receive_storage_(options.receive_bytes + mid_page_slack),
      send_storage_(options.send_bytes + mid_page_slack),
      free_slot_(no_slot) {
  if (!poller_.status()) {
    status_ = poller_.status();
  } else if (!wakeup_.status()) {
    status_ = wakeup_.status();
  } else if (receive_storage_.data() == nullptr || send_storage_.data() == nullptr) {
    status_ = out_of_memory();
  } else {
    status_ = poller_.add(wakeup_.fd(), Interest::read, wakeup_token);
    receive_buffer_ = {receive_storage_.data() + to_mid_page(receive_storage_.data()),
                       options.receive_bytes};
    send_buffer_ = {.data = send_storage_.data() + to_mid_page(send_storage_.data()),
                    .capacity = options.send_bytes};
  }
}

Loop::~Loop() {
  HILO_DCHECK(thread_.load() == 0);
  // Callbacks that will never be called may own what watches, and are destroyed while the loop is
  // still whole. What they own may post, doom and wait in its turn.
  while (!posted_.empty() || doomed_ || delayed_.size() != 0) {
    std::exchange(posted_, {}).clear();
    destroy_doomed();
    delayed_.for_each([this](Delayed&, SlabHandle handle) { delayed_.erase(handle); });
  }
  HILO_DCHECK(watched_count_ == 0);
  for (const PhaseQueue& queue : phases_) release_memory(queue.slots);
  release_memory(slots_);
}

// ---- turns -------------------------------------------------------------------------------------

Status Loop::run() {
  if (!status_) return status_;
  Running running(*this);
  turn_end_ = clock_now();
  while (!stop_.load(std::memory_order_acquire)) {
    if (Status status = turn(Duration{-1}, turn_end_); !status) return status;
  }
  stop_.store(false, std::memory_order_relaxed);
  return {};
}

Status Loop::run_once(Duration timeout) {
  if (!status_) return status_;
  Running running(*this);
  return turn(timeout, clock_now());
}

// `now` may be a little ago: when the turn before this one ended.
Status Loop::turn(Duration timeout, Time now) {
  Duration patience = until_next_turn(now);
  if (patience < Duration{} || (timeout >= Duration{} && timeout < patience)) patience = timeout;
  if (Status status = wait_and_dispatch(patience); !status) return status;
  if (waits(Phase::resume)) run_phase(Phase::resume);
  timers_.advance(now_);
  if (has_posted_.load(std::memory_order_acquire)) run_posted();
  if (doomed_) destroy_doomed();
  if (waits(Phase::reap) || waits(Phase::flush)) reap_and_flush();
  turn_end_ = clock_now();
  const Duration took = turn_end_ - now_;
  lag_.record(took);
  if (took >= stall_) on_stall_(took);
  return {};
}

// Whoever is ready is heard before any deadline is judged.
[[gnu::always_inline]] inline Status Loop::wait_and_dispatch(Duration patience) {
  const bool busy = options_.busy_poll > Duration{} && patience != Duration{};
  const Result<std::span<const Fired>> fired = busy ? poll_busily(patience) : wait(patience);
  if (!fired) return fired.error();
  now_ = clock_now();
  dispatch(*fired);
  return fired->size() == Poller::events_per_wait_max ? dispatch_rest() : Status{};
}

// One wait reports so many events and no more, and after a stall it is the answers left in the
// kernel that save their senders.
Status Loop::dispatch_rest() {
  std::size_t heard = Poller::events_per_wait_max;
  std::size_t count = heard;
  while (count == Poller::events_per_wait_max && heard < watched_count_) {
    const Result<std::span<const Fired>> fired = wait({});
    if (!fired) return fired.error();
    count = fired->size();
    dispatch(*fired);
    heard += count;
  }
  return {};
}

Result<std::span<const Fired>> Loop::poll_busily(Duration patience) {
  const Time began = clock_now();
  Time asleep = began;
  if (busy_poll_pays_) {
    const bool is_short = patience >= Duration{} && patience < options_.busy_poll;
    const Duration limit = is_short ? patience : options_.busy_poll;
    do {
      Result<std::span<const Fired>> fired = wait({});
      if (!fired || !fired->empty()) return fired;
      asleep = clock_now();
    } while (asleep - began < limit);
    if (patience > Duration{}) patience = std::max(patience - (asleep - began), Duration{});
  }
  Result<std::span<const Fired>> fired = wait(patience);
  busy_poll_pays_ = fired && !fired->empty() && clock_now() - asleep <= options_.busy_poll;
  return fired;
}

// Not from now(): the turn that has ended may have taken long.
Duration Loop::until_next_turn() const noexcept {
  return until_next_turn(clock_now());
}

inline Duration Loop::until_next_turn(Time now) const noexcept {
  if (waiting_ != 0 || doomed_ || has_posted_.load(std::memory_order_acquire)) return {0};
  return timers_.until_next(now);
}

inline void Loop::dispatch(std::span<const Fired> fired) {
  for (const Fired& event : fired) {
    // An earlier event of this batch may have ended or detached this watcher, or given its slot and
    // even its descriptor's number to another one.
    if (const Slot* slot = live_slot(event.token); slot != nullptr) {
      if (slot->has_fd()) slot->watcher->on_ready(event.ready);
    } else if (event.token == wakeup_token) {
      wakeup_.drain();
    }
  }
}

void Loop::reap_and_flush() {
  for (int round = 0; round < rounds_per_turn_max; ++round) {
    run_phase(Phase::reap);
    run_phase(Phase::flush);
    if (!waits(Phase::reap) && !waits(Phase::flush)) return;
  }
}

// Calls those who stand in the queue now. Who is scheduled meanwhile stands behind them and waits.
void Loop::run_phase(Phase phase) {
  const auto bit = static_cast<unsigned>(phase);
  PhaseQueue& queue = phases_[index_of(phase)];
  for (std::uint32_t left = queue.end - queue.begin; left != 0; --left) {
    const std::uint32_t current = queue.slots[queue.begin++];
    if (queue.begin == queue.end) {
      queue.begin = queue.end = 0;
      waiting_ = static_cast<std::uint8_t>(waiting_ & ~bit);
    }
    Slot& slot = slots_[current];
    slot.scheduled = slot.scheduled & ~bit & all_phases;
    if ((slot.generation & 1) == 0) {
      // Unwatched since. The slot could not be used again while it stood in a queue.
      if (slot.scheduled == 0) free_slot(current);
      continue;
    }
    Watcher& watcher = *slot.watcher;
    switch (phase) {
      case Phase::resume: watcher.on_resume(); break;
      case Phase::reap: watcher.on_reap(); break;
      case Phase::flush: watcher.on_flush(); break;
    }
  }
}

void Loop::on_stall(Duration longest, Callback<void(Duration)> callback) {
  HILO_DCHECK(in_loop_thread());
  on_stall_ = std::move(callback);
  stall_ = on_stall_ ? longest : never;
}

void Loop::stop() noexcept {
  stop_.store(true, std::memory_order_release);
  wakeup_.signal();
}

bool Loop::in_loop_thread() const noexcept {
  const std::uint64_t thread = thread_.load(std::memory_order_relaxed);
  return thread == 0 || thread == this_thread();
}

bool Loop::ran_here() const noexcept {
  return home_.load(std::memory_order_relaxed) == this_thread();
}

// ---- slots -------------------------------------------------------------------------------------

Result<Token> Loop::watch(int fd, Interest interest, Watcher& watcher) noexcept {
  HILO_DCHECK(in_loop_thread());
  if (!status_) return status_.error();
  if (fd >= static_cast<int>(Slot::no_descriptor)) {
    return std::make_error_code(std::errc::too_many_files_open);
  }
  if (free_slot_ == no_slot && !make_slot()) return out_of_memory();
  const std::uint32_t index = free_slot_;
  Slot& slot = slots_[index];
  const Token token{index, slot.generation + 1};
  if (fd >= 0) {
    if (Status status = poller_.add(fd, interest, token); !status) return status.error();
  }
  free_slot_ = slot.next_free;
  slot.watcher = &watcher;
  // (-1 is all ones.)
  slot.descriptor = static_cast<std::uint32_t>(std::max(fd, -1)) & Slot::no_descriptor;
  slot.generation = token.generation;
  slot.interest = interest;
  ++watched_count_;
  return token;
}

Status Loop::change(Token token, Interest interest) noexcept {
  HILO_DCHECK(in_loop_thread());
  Slot* slot = live_slot(token);
  if (slot == nullptr || slot->interest == interest) return {};
  if (slot->has_fd()) {
    Status status = poller_.change(slot->fd(), slot->interest, interest, token);
    if (!status) return status;
  }
  slot->interest = interest;
  return {};
}

void Loop::unwatch(Token token) noexcept {
  HILO_DCHECK(in_loop_thread());
  Slot* slot = live_slot(token);
  if (slot == nullptr) return;
  if (slot->has_fd()) poller_.remove(slot->fd(), slot->interest);
  ++slot->generation;
  slot->watcher = nullptr;
  --watched_count_;
  // A slot that stands in a queue is freed by run_phase() when its turn comes.
  if (slot->scheduled == 0) free_slot(token.slot);
}

void Loop::detach(Token token) noexcept {
  HILO_DCHECK(in_loop_thread());
  Slot* slot = live_slot(token);
  if (slot == nullptr || !slot->has_fd()) return;
  poller_.remove(slot->fd(), slot->interest);
  slot->descriptor = Slot::no_descriptor;
}

void Loop::schedule(Token token, Phase phase) noexcept {
  HILO_DCHECK(in_loop_thread());
  if (live_slot(token) != nullptr) schedule_slot(token.slot, phase);
}

void Loop::schedule_slot(std::uint32_t index, Phase phase) noexcept {
  HILO_DCHECK(in_loop_thread());
  if (index == no_slot) return;
  Slot& slot = slots_[index];
  HILO_DCHECK((slot.generation & 1) != 0);
  const auto bit = static_cast<unsigned>(phase);
  if ((slot.scheduled & bit) != 0) return;
  PhaseQueue& queue = phases_[index_of(phase)];
  slot.scheduled = (slot.scheduled | bit) & all_phases;
  waiting_ = static_cast<std::uint8_t>(waiting_ | bit);
  if (queue.end == slot_capacity_) return move_to_front_and_append(queue, index);
  queue.slots[queue.end++] = index;
}

// Where somebody is scheduled whenever a phase runs, its queue wanders to the end of its room.
[[gnu::noinline]] void Loop::move_to_front_and_append(PhaseQueue& queue,
                                                      std::uint32_t slot) noexcept {
  std::copy(queue.slots + queue.begin, queue.slots + queue.end, queue.slots);
  queue.end -= std::exchange(queue.begin, 0);
  HILO_DCHECK(queue.end < slot_capacity_);
  queue.slots[queue.end++] = slot;
}

Loop::Slot* Loop::live_slot(Token token) noexcept {
  if (token.slot >= slot_count_ || !token) return nullptr;
  Slot& slot = slots_[token.slot];
  return slot.generation == token.generation ? &slot : nullptr;
}

void Loop::free_slot(std::uint32_t index) noexcept {
  slots_[index].next_free = free_slot_;
  free_slot_ = index;
}

// Slots are given out in ascending order, and memory is touched only when it is needed: that of the
// queues as far as they ever reached.
bool Loop::make_slot() noexcept {
  if (slot_count_ == slot_capacity_ && !make_room_for_slots()) return false;
  slots_[slot_count_] = Slot{};
  free_slot(slot_count_++);
  return true;
}

bool Loop::make_room_for_slots() noexcept {
  const std::uint32_t capacity = slot_capacity_ == 0 ? slots_min : slot_capacity_ * 2;
  if (capacity <= slot_capacity_) return false;  // 2^32 slots
  for (PhaseQueue& queue : phases_) {
    if (!grow(queue.slots, queue.end, capacity)) return false;
  }
  if (!grow(slots_, slot_count_, capacity)) return false;
  slot_capacity_ = capacity;
  return true;
}

// ---- calls -------------------------------------------------------------------------------------

Loop::TimerId Loop::call_after(Duration delay, Callback<void()> callback) {
  HILO_DCHECK(in_loop_thread());
  // While the loop does not run, now() may be long ago.
  const Time start = thread_.load(std::memory_order_relaxed) == 0 ? clock_now() : now_;
  // No delay means the next turn, not the next whole millisecond.
  if (delay <= Duration{}) delay = Duration::milliseconds(-1);
  const auto entry = delayed_.emplace(*this, std::move(callback));
  if (entry.object != nullptr) timers_.arm(*entry.object, start + delay);
  return entry.handle;
}

void Loop::cancel(TimerId id) noexcept {
  HILO_DCHECK(in_loop_thread());
  delayed_.erase(id);
}

void Loop::post(Callback<void()> callback) {
  bool is_first;
  {
    const std::lock_guard lock(posted_mutex_);
    posted_.push_back(std::move(callback));
    is_first = !has_posted_.exchange(true, std::memory_order_acq_rel);
  }
  // One signal for all that is posted before the loop comes to look. The loop itself needs none: it
  // does not block while something is posted.
  if (is_first && thread_.load(std::memory_order_relaxed) != this_thread()) wakeup_.signal();
}

void Loop::destroy_later(std::unique_ptr<Doomed> doomed) noexcept {
  HILO_DCHECK(in_loop_thread());
  doomed->next_ = std::move(doomed_);
  doomed_.reset(doomed.release());
}

// The destructors may call the application, which may doom others.
void Loop::destroy_doomed() noexcept {
  while (doomed_) {
    const Owner<Doomed> first = std::move(doomed_);
    doomed_ = std::move(first->next_);
  }
}

void Loop::run_posted() {
  {
    const std::lock_guard lock(posted_mutex_);
    has_posted_.store(false, std::memory_order_relaxed);
    posted_now_.swap(posted_);
  }
  for (Callback<void()>& callback : posted_now_) callback();
  posted_now_.clear();
}

}  // namespace hilo::net
