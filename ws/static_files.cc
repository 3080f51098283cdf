// SPDX-License-Identifier: MIT

#include "ws/static_files.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <memory>
#include <optional>
#include <span>
#include <utility>

#include "net/clock.h"
#include "net/file.h"
#include "ws/core/http_conditions.h"
#include "ws/core/http_date.h"
#include "ws/core/http_head.h"
#include "ws/core/http_tokens.h"
#include "ws/core/percent.h"

namespace hilo::ws {
namespace {

struct ContentType {
  std::string_view ending;
  std::string_view type;
};
// clang-format off
constexpr ContentType content_types[] = {
    {"html", "text/html; charset=utf-8"}, {"htm", "text/html; charset=utf-8"},
    {"css", "text/css; charset=utf-8"},   {"js", "text/javascript; charset=utf-8"},
    {"mjs", "text/javascript; charset=utf-8"},
    {"json", "application/json"},         {"map", "application/json"},
    {"txt", "text/plain; charset=utf-8"}, {"md", "text/markdown; charset=utf-8"},
    {"csv", "text/csv; charset=utf-8"},   {"xml", "application/xml"},
    {"svg", "image/svg+xml"},             {"png", "image/png"},
    {"jpg", "image/jpeg"},                {"jpeg", "image/jpeg"},
    {"gif", "image/gif"},                 {"webp", "image/webp"},
    {"avif", "image/avif"},               {"ico", "image/x-icon"},
    {"woff", "font/woff"},                {"woff2", "font/woff2"},
    {"ttf", "font/ttf"},                  {"otf", "font/otf"},
    {"wasm", "application/wasm"},         {"pdf", "application/pdf"},
    {"zip", "application/zip"},           {"gz", "application/gzip"},
    {"mp3", "audio/mpeg"},                {"ogg", "audio/ogg"},
    {"wav", "audio/wav"},                 {"mp4", "video/mp4"},
    {"webm", "video/webm"},
};
// clang-format on

// A name that may be asked for. '/' and NUL would make another path of it, a backslash does so on
// other systems, and what begins with a dot is hidden, or leads upwards.
bool is_plain_name(std::string_view name) noexcept {
  if (name.empty() || name.front() == '.') return false;
  for (const char c : name) {
    if (c == '/' || c == '\\' || static_cast<unsigned char>(c) < 0x20 || c == 0x7F) return false;
  }
  return true;
}

// The path of the file system, decoded name by name; nothing if one of them is not plain. A slash
// at the end is left out.
std::optional<std::string> plain_path(std::string_view path) {
  std::string plain;
  if (path.empty()) return plain;
  std::array<char, net::file::path_bytes_max> room;
  if (path.size() > room.size()) return std::nullopt;
  if (path.ends_with('/')) path.remove_suffix(1);
  for (;;) {
    const std::size_t slash = path.find('/');
    const auto name = percent_decode(path.substr(0, slash), room);
    if (!name || !is_plain_name(*name)) return std::nullopt;
    plain.append(plain.empty() ? "" : "/").append(*name);
    if (slash == std::string_view::npos) return plain;
    path.remove_prefix(slash + 1);
  }
}

class FileSource final : public http::BodySource {
 public:
  FileSource(net::Fd fd, std::uint64_t offset) noexcept : fd_(std::move(fd)), offset_(offset) {}
  Result<std::size_t> read(MutableBytes into) override {
    Result<std::size_t> got = net::file::read_at(fd_.value(), into, offset_);
    if (got) offset_ += *got;
    return got;
  }

 private:
  net::Fd fd_;
  std::uint64_t offset_;
};

struct OpenFile {
  net::Fd fd;
  net::file::Info info;
};

Result<OpenFile> open_file(const net::Fd& directory, std::string_view path) {
  Result<net::Fd> fd = net::file::open_beneath(directory.value(), path);
  if (!fd) return fd.error();
  const Result<net::file::Info> info = net::file::info(fd->value());
  if (!info) return info.error();
  return OpenFile{std::move(*fd), *info};
}

// Every bit of `value` changes half of the bits of the outcome (the finish of SplitMix64).
std::uint64_t stirred(std::uint64_t value) noexcept {
  value = (value ^ value >> 30) * 0xBF58476D1CE4E5B9;
  value = (value ^ value >> 27) * 0x94D049BB133111EB;
  return value ^ value >> 31;
}

// Stirred, because the number of an inode is nobody's business.
std::string etag_of(const net::file::Info& info) {
  std::uint64_t digest = 0;
  for (const std::uint64_t part : {info.inode, static_cast<std::uint64_t>(info.modified_seconds),
                                   static_cast<std::uint64_t>(info.modified_nanoseconds)}) {
    digest = stirred(digest + part + 0x9E3779B97F4A7C15);
  }
  std::array<char, 48> text;
  const int size = std::snprintf(text.data(), text.size(), "\"%llx-%016llx\"",
                                 static_cast<unsigned long long>(info.bytes),
                                 static_cast<unsigned long long>(digest));
  return {text.data(), static_cast<std::size_t>(size)};
}

void refuse(http::Exchange& exchange, std::uint16_t status, std::string_view why) {
  static_cast<void>(exchange.respond(status, "text/plain; charset=utf-8", why));
}

// What is not to be had is not there, whatever the reason; a lack of descriptors passes.
void refuse_missing(http::Exchange& exchange, std::error_code error) {
  const bool is_busy = error == std::errc::too_many_files_open ||
                       error == std::errc::too_many_files_open_in_system ||
                       error == std::errc::not_enough_memory ||
                       error == std::errc::resource_unavailable_try_again;
  if (is_busy) return refuse(exchange, 503, "try again\n");
  refuse(exchange, 404, "there is no such file\n");
}

// The fields of an answer, as many as there are.
class FieldList {
 public:
  void add(std::string_view name, std::string_view value) noexcept {
    all_[count_++] = {name, value};
  }
  std::span<const FieldView> all() const noexcept { return std::span{all_}.first(count_); }

 private:
  std::array<FieldView, 6> all_;
  std::size_t count_ = 0;
};

}  // namespace

std::string_view content_type_of(std::string_view path) noexcept {
  const std::size_t dot = path.find_last_of("./");
  if (dot != std::string_view::npos && path[dot] == '.') {
    const std::string_view ending = path.substr(dot + 1);
    for (const ContentType& each : content_types) {
      if (equals_ignoring_case(each.ending, ending)) return each.type;
    }
  }
  return "application/octet-stream";
}

Result<StaticFiles> StaticFiles::open(std::string_view directory, const FilesOptions& options) {
  Result<net::Fd> opened = net::file::open_directory(directory);
  if (!opened) return opened.error();
  return StaticFiles(std::move(*opened), options);
}

void StaticFiles::serve(http::Exchange& exchange, std::string_view path) const {
  std::optional<std::string> plain = plain_path(path);
  if (!plain) return refuse_missing(exchange, {});
  const bool names_directory = path.empty() || path.ends_with('/');
  if (names_directory) {
    if (index_.empty()) return refuse_missing(exchange, {});
    plain->append(plain->empty() ? "" : "/").append(index_);
  }
  Result<OpenFile> file = open_file(directory_, *plain);
  if (!file) return refuse_missing(exchange, file.error());
  switch (file->info.kind) {
    case net::file::Info::Kind::regular: break;
    case net::file::Info::Kind::other: return refuse_missing(exchange, {});
    case net::file::Info::Kind::directory:
      return names_directory || index_.empty() ? refuse_missing(exchange, {})
                                               : redirect_to_directory(exchange);
  }
  answer(exchange, std::move(file->fd), file->info, content_type_of(*plain));
}

// Relative links of its index are relative to the directory only with the slash.
void StaticFiles::redirect_to_directory(http::Exchange& exchange) {
  const Request& request = exchange.request();
  std::string location = std::string(request.path()) + "/";
  if (!request.query().empty()) location.append("?").append(request.query());
  const FieldView field{"Location", location};
  static_cast<void>(
      exchange.respond(308, "text/plain; charset=utf-8", "it is a directory\n", {&field, 1}));
}

void StaticFiles::answer(http::Exchange& exchange, net::Fd fd, const net::file::Info& info,
                         std::string_view content_type) const {
  const std::string etag = etag_of(info);
  // RFC 9110 §8.8.2.1: what was changed in the future was changed now.
  const std::int64_t now = net::clock_wall_milliseconds() / 1000;
  const std::int64_t modified = std::min(info.modified_seconds, now);
  const HttpDate modified_text = write_http_date(modified);
  const Validators validators{.etag = etag, .modified_seconds = modified, .now_seconds = now};
  const RequestHead& head = exchange.request().head();
  FieldList fields;
  fields.add("ETag", etag);
  fields.add("Last-Modified", {modified_text.data(), modified_text.size()});
  if (!cache_control_.empty()) fields.add("Cache-Control", cache_control_);
  switch (evaluate_conditions(head.fields, validators)) {
    case Condition::serve: break;
    case Condition::not_modified:
      static_cast<void>(exchange.respond(304, {}, {}, fields.all()));
      return;
    case Condition::failed: return refuse(exchange, 412, "it has changed\n");
  }
  // RFC 9110 §14.2: Range is for GET alone.
  ByteRange range{ByteRange::Kind::whole, 0, info.bytes};
  if (head.method == Method::get) range = requested_range(head.fields, validators, info.bytes);
  fields.add("Accept-Ranges", "bytes");
  // What a browser would find in a file of another type is not for it to guess.
  fields.add("X-Content-Type-Options", "nosniff");
  const std::string size = std::to_string(info.bytes);
  std::string content_range;
  std::uint16_t status = 200;
  switch (range.kind) {
    case ByteRange::Kind::whole: break;
    case ByteRange::Kind::unsatisfiable: {
      content_range = "bytes */" + size;
      const FieldView field{"Content-Range", content_range};
      static_cast<void>(exchange.respond(416, "text/plain; charset=utf-8",
                                         "there are no such bytes\n", {&field, 1}));
      return;
    }
    case ByteRange::Kind::part:
      status = 206;
      content_range = "bytes " + std::to_string(range.begin) + "-" +
                      std::to_string(range.begin + range.bytes - 1) + "/" + size;
      fields.add("Content-Range", content_range);
      break;
  }
  auto source = std::make_unique<FileSource>(std::move(fd), range.begin);
  if (exchange.respond_from(status, content_type, range.bytes, std::move(source), fields.all())) {
    return;
  }
  refuse(exchange, 500, "it could not be sent\n");
}

}  // namespace hilo::ws
