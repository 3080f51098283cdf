// SPDX-License-Identifier: MIT

#include "tools/fuzz/line.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "net/socket.h"

namespace hilo::tools::fuzz {

using conform::Head;

namespace {

// A body, and how many bytes of the wire it took.
struct WholeBody {
  std::string content;
  std::size_t wire_bytes = 0;
};

// RFC 9112 §7.1. What is no chunk ends it, and is judged by what it says.
std::optional<WholeBody> chunked_body(std::string_view rest) {
  WholeBody body;
  while (true) {
    const std::size_t line = rest.find("\r\n", body.wire_bytes);
    if (line == std::string_view::npos) return std::nullopt;
    std::size_t size = 0;
    const char* const from = rest.data() + body.wire_bytes;
    const auto read = std::from_chars(from, rest.data() + line, size, 16);
    if (read.ec != std::errc() || size > Line::body_bytes_max)
      return WholeBody{std::string(rest), rest.size()};
    const std::size_t end = line + 2 + size + 2;
    if (end > rest.size()) return std::nullopt;
    body.content += rest.substr(line + 2, size);
    body.wire_bytes = end;
    if (size == 0) return body;
  }
}

// The body behind this head, if all of it is in `rest`, behind which nothing comes any more where
// the connection has `ended`.
std::optional<WholeBody> whole_body(const Head& head, std::string_view rest, bool ended) {
  const int status = head.status();
  if (status < 200 || status == 204 || status == 304) return WholeBody{};
  if (head.lists("Transfer-Encoding", "chunked")) return chunked_body(rest);
  const std::optional<std::string> length = head.find("Content-Length");
  if (!length)
    return ended ? std::optional(WholeBody{std::string(rest), rest.size()}) : std::nullopt;
  std::size_t size = 0;
  for (const char c : *length) {
    if (c < '0' || c > '9' || size > (std::size_t{1} << 40)) return WholeBody{};
    size = size * 10 + static_cast<std::size_t>(c - '0');
  }
  if (size > rest.size()) return std::nullopt;
  return WholeBody{std::string(rest.substr(0, size)), size};
}

}  // namespace

Line::Line(net::Loop& loop, net::Fd fd, std::unique_ptr<net::Transport> transport,
           std::function<void()> on_change, OnBytes on_bytes)
    : stream_(loop, std::move(transport), std::move(fd), *this),
      on_change_(std::move(on_change)),
      on_bytes_(std::move(on_bytes)) {
  seen_.connected = true;
  // Pieces are to arrive as they leave. Where it cannot be had (a Unix socket) they do.
  static_cast<void>(net::socket::set_no_delay(stream_.fd()));
}

Status Line::start() {
  Status status = stream_.start();
  reaped_ = !status;  // a stream that never began has no end
  return status;
}

// --- what we say ---------------------------------------------------------------------------------

void Line::write(std::string_view bytes) {
  if (over_ || half_closed_) return;
  if (!seen_.upgraded && sent_.size() < head_bytes_max) sent_ += bytes;
  // A stream that does not take it is broken, and says so by itself.
  static_cast<void>(stream_.write(as_bytes(bytes)));
}

void Line::half_close() {
  if (over_ || std::exchange(half_closed_, true)) return;
  stream_.shutdown_write();
}

void Line::reset() {
  over_ = true;
  stream_.abort();
}

void Line::close() {
  over_ = true;
  stream_.close();
}

// RFC 6455 §5.5.1: a Close that was not asked for is answered, with the mask that is always right.
void Line::answer_close() {
  const conform::Event* close = seen_.close();
  if (close == nullptr || in_pieces_ || std::exchange(close_sent_, true)) return;
  conform::Frame frame;
  frame.opcode = conform::op_close;
  frame.key = 0;
  if (close->code != 0) frame.payload = conform::big_endian(close->code, 2);
  write(conform::encode(frame, true));
}

void Line::end_pieces() {
  in_pieces_ = false;
  answer_close();
}

// --- what the server says ------------------------------------------------------------------------

net::Stream::Want Line::on_input(MutableBytes& input) {
  const std::string_view bytes = as_text(input);
  if (on_bytes_) on_bytes_(bytes);
  if (seen_.upgraded) {
    reader_.feed(bytes);
  } else {
    received_ += bytes;
    while (!seen_.upgraded && take_answer()) continue;
  }
  if (seen_.upgraded) take_frames();
  input = {};
  if (stream_.received_bytes() > bytes_max) {
    seen_.end = End::reset;
    stream_.abort();
  }
  on_change_();
  return net::Stream::Want::more;
}

// True if there was a whole one, and it was taken.
bool Line::take_answer() {
  const std::optional<Head> head = conform::read_head(received_);
  if (!head) {
    if (received_.size() > head_bytes_max)
      received_.clear();  // nothing that anybody could wait for
    return false;
  }
  const int status = head->status();
  const std::string_view rest = std::string_view(received_).substr(head->bytes);
  if (status == 101) {
    seen_.answers.push_back({*head, {}});
    take_upgrade(*head);
    reader_.feed(rest);
    received_.clear();
    return true;
  }
  std::optional<WholeBody> body = whole_body(*head, rest, ended());
  if (!body && rest.size() < body_bytes_max) return false;
  if (!body) body = WholeBody{std::string(rest), rest.size()};
  if (status < 100 || status >= 200) seen_.answers.push_back({*head, std::move(body->content)});
  received_.erase(0, head->bytes + body->wire_bytes);
  return true;
}

void Line::take_upgrade(const Head& head) {
  seen_.upgraded = true;
  // An empty line in front of the request is none of its own.
  const std::size_t begin = std::min(sent_.find_first_not_of("\r\n"), sent_.size());
  const std::optional<Head> request = conform::read_head(std::string_view(sent_).substr(begin));
  if (!request) return;
  const std::string key = request->find("Sec-WebSocket-Key").value_or("");
  seen_.head_wrong =
      conform::check_101(head, key, conform::split_list(request->joined("Sec-WebSocket-Protocol")));
  const conform::Agreement agreement = conform::check_answer(
      request->joined("Sec-WebSocket-Extensions"), head.joined("Sec-WebSocket-Extensions"));
  if (seen_.head_wrong.empty()) seen_.head_wrong = agreement.wrong;
  seen_.deflate = agreement.terms.agreed;
  reader_.agree(agreement.terms);
}

void Line::take_frames() {
  while (std::optional<conform::PeerReader::Reading> reading = reader_.next()) {
    if (reading->event) seen_.events.push_back(std::move(*reading->event));
  }
  answer_close();
}

void Line::on_end() {
  if (ended()) return;
  seen_.end = End::fin;
  const bool says_bye = seen_.close() != nullptr;
  // A body without a length ends here.
  while (!seen_.upgraded && take_answer()) continue;
  seen_.end_in_frame =
      seen_.upgraded && (reader_.in_frame() || (!says_bye && reader_.in_message()));
  on_change_();
}

void Line::on_broken(std::error_code) {
  if (ended()) return;
  seen_.end = End::reset;
  on_change_();
}

}  // namespace hilo::tools::fuzz
