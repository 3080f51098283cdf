// SPDX-License-Identifier: MIT

#include "tools/hilo/explain.h"

#include <unistd.h>

#include <array>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <optional>
#include <utility>

#include "tools/explain/capture.h"
#include "tools/explain/explainer.h"
#include "tools/explain/frame_builder.h"
#include "tools/hilo/explain_html.h"
#include "tools/hilo/explain_svg.h"
#include "tools/hilo/flags.h"
#include "tools/hilo/standard_io.h"
#include "tools/hilo/values.h"
#include "ws/trace/dialogue.h"
#include "ws/trace/tls_names.h"
#include "ws/trace/tls_records.h"

namespace hilo::tools {
namespace {

using Content = std::vector<std::uint8_t>;
using trace::Direction;

constexpr char description[] =
    "  Says what bytes of a connection mean: HTTP heads and their fields, how the\n"
    "  accept key is made, frames bit by bit, messages, compressed ones inflated,\n"
    "  Engine.IO and Socket.IO packets. Each line has the bits or bytes as they are\n"
    "  on the wire, what they say, and the section that it stands in. Bytes that\n"
    "  break a rule are told with the answer they get. Of TLS the records are told,\n"
    "  and with the keys of a key log what they carry, in TLS 1.2 and 1.3.\n"
    "    hilo explain HEX                  bytes in hexadecimal, blanks allowed\n"
    "    hilo explain --file FILE          the bytes of a file, \"-\" for stdin, or the\n"
    "                                      connections of a capture: pcapng, pcap\n"
    "    hilo explain --client FILE --server FILE\n"
    "                                      both directions of a connection\n"
    "    hilo explain --frame text Hello   builds a frame and explains it\n"
    "  Whether bytes begin with an HTTP head, a TLS record or a frame is seen from\n"
    "  the first of them, and who sends them from the head, a hello or the MASK bit.\n";

constexpr char examples[] =
    "  hilo explain 818537fa213d7f9f4d5158\n"
    "  hilo explain --frame text Hi --mask 37fa213d\n"
    "  hilo explain --frame close '1000 bye' --source\n"
    "  hilo explain --deflate c1 07 f2 48 cd c9 c9 07 00\n"
    "  hilo explain --engineio 4 '81 0d 34 32 5b 22 68 69 22 2c 31 5d'\n"
    "  hilo explain --client request.bin --server answer.bin --format json\n"
    "  hilo explain --file talk.pcapng --format html >talk.html\n"
    "  hilo explain --frame ping --format svg >ping.svg\n"
    "  hilo explain --file wss.pcapng --tls-keylog keys.log\n";

constexpr char exit_codes[] =
    "  0    explained, no rule is broken\n"
    "  1    a rule is broken, or the input could not be read\n"
    "  2    wrong usage\n";

struct ExplainSettings {
  std::string argument;
  std::string file;
  std::string client_file;
  std::string server_file;
  std::string frame;
  std::string mask;
  bool unfinished = false;  // of a frame that is built: FIN is 0
  std::string from;
  bool deflate = false;
  std::string engineio;
  std::string key_log_file;
  explain::KeyLog keys = {};
  std::string format = "text";
  bool source = false;
  Callback<void(std::string_view)> on_line = print_text;
};

int failure(std::string_view what) {
  print_error("hilo explain: " + std::string(what));
  return exit_failure;
}

int usage(std::string_view what) {
  print_error("hilo explain: " + std::string(what) + " (see hilo explain --help)");
  return exit_usage;
}

std::optional<Content> read_file(const std::string& name) {
  Content content;
  // By its buffer: an iterator would throw where a directory is opened, or a disk fails.
  const auto take_all = [&](std::istream& from) {
    std::array<char, 65536> block;
    while (from.read(block.data(), block.size()) || from.gcount() > 0) {
      content.insert(content.end(), block.begin(), block.begin() + from.gcount());
    }
    return !from.bad();
  };
  if (name == "-") return take_all(std::cin) ? std::optional(content) : std::nullopt;
  std::ifstream file(name, std::ios::binary);
  return file && take_all(file) ? std::optional(content) : std::nullopt;
}

// The frame that --frame, --mask and --unfinished ask for, with any payload: also one that breaks a
// rule.
std::optional<Content> build_frame(const ExplainSettings& settings, std::string& why) {
  const std::optional<ws::Opcode> opcode = explain::find_opcode(settings.frame);
  if (!opcode) why = settings.frame + " is no kind of frame";
  const Result<Content> key = parse_hex(settings.mask);
  const bool masked = !settings.mask.empty();
  if (masked && (!key || key->size() != 4)) why = "a masking key is four bytes in hexadecimal";
  if (!why.empty()) return std::nullopt;
  std::optional<Content> payload = explain::build_payload(*opcode, settings.argument);
  if (!payload) {
    why = explain::payload_wanted(*opcode);
    return std::nullopt;
  }
  ws::MaskKey mask_key{};
  if (masked) std::copy(key->begin(), key->end(), mask_key.begin());
  return explain::build_frame(*opcode, !settings.unfinished, std::move(*payload),
                              masked ? &mask_key : nullptr);
}

// Who says these bytes, if nobody said it.
Direction direction_of(const Content& bytes, const std::string& from) {
  if (from == "client") return Direction::to_server;
  if (from == "server") return Direction::to_client;
  if (as_text(bytes).starts_with("HTTP/")) return Direction::to_client;
  if (trace::TlsReader::begins_record(bytes)) {
    const bool asks = bytes.size() > trace::TlsReader::header_bytes &&
                      bytes[trace::TlsReader::header_bytes] == trace::tls_client_hello;
    return asks ? Direction::to_server : Direction::to_client;
  }
  const bool letter = !bytes.empty() && bytes[0] >= 'A' && bytes[0] <= 'Z';
  const bool masked = bytes.size() > 1 && (bytes[1] & 0x80) != 0;
  return letter || masked ? Direction::to_server : Direction::to_client;
}

explain::Explainer make_explainer(ExplainSettings& settings, std::string name = {}) {
  trace::DialogueOptions options;
  if (settings.deflate) options.deflate = ws::DeflateParameters{};
  if (settings.engineio == "3") options.engineio = engineio::Revision::v3;
  if (settings.engineio == "4") options.engineio = engineio::Revision::v4;
  const explain::Style style{
      .json = settings.format != "text",
      .text = {.colour = is_terminal(standard_output), .source = settings.source},
      .name = std::move(name)};
  return {options, style, [&settings](std::string_view line) { settings.on_line(line); },
          settings.keys};
}

int explain_both(ExplainSettings& settings) {
  explain::Explainer explainer = make_explainer(settings);
  const std::array<std::pair<Direction, const std::string*>, 2> sides = {
      {{Direction::to_server, &settings.client_file},
       {Direction::to_client, &settings.server_file}}};
  for (const auto& [direction, file] : sides) {
    if (file->empty()) continue;
    const std::optional<Content> content = read_file(*file);
    if (!content) return failure("cannot read " + *file);
    explainer.add(direction, *content);
  }
  explainer.end(Direction::to_server);
  explainer.end(Direction::to_client);
  return explainer.faulty() ? exit_failure : exit_ok;
}

// Those of a file, and those that a capture holds.
explain::KeyLog keys_with(const explain::KeyLog& keys, const explain::Capture& capture) {
  if (capture.key_logs.empty()) return keys;
  const auto all =
      keys ? std::make_shared<trace::TlsKeyLog>(*keys) : std::make_shared<trace::TlsKeyLog>();
  for (const std::string_view text : capture.key_logs) all->add(text);
  return all;
}

int explain_capture(ExplainSettings& settings, const Content& file) {
  const std::optional<explain::Capture> capture = explain::read_capture(file);
  if (!capture) return failure("this capture is malformed");
  if (capture->connections.empty()) return failure("there is no TCP connection in this capture");
  settings.keys = keys_with(settings.keys, *capture);
  bool faulty = false;
  for (const explain::CapturedConnection& connection : capture->connections) {
    explain::Explainer explainer = make_explainer(settings, connection.name);
    for (const explain::Segment& segment : connection.segments) {
      explainer.add(segment.direction, segment.bytes);
    }
    explainer.end(Direction::to_server);
    explainer.end(Direction::to_client);
    faulty = faulty || explainer.faulty();
  }
  return faulty ? exit_failure : exit_ok;
}

int explain_bytes(ExplainSettings& settings, const Content& bytes) {
  if (explain::is_capture(bytes)) return explain_capture(settings, bytes);
  explain::Explainer explainer = make_explainer(settings);
  const Direction direction = direction_of(bytes, settings.from);
  explainer.add(direction, bytes);
  explainer.end(direction);
  return explainer.faulty() ? exit_failure : exit_ok;
}

// False: the file is unreadable, or there is no secret in it.
bool read_key_log(ExplainSettings& settings) {
  const std::optional<Content> content = read_file(settings.key_log_file);
  if (!content) return false;
  const auto keys = std::make_shared<trace::TlsKeyLog>();
  const bool has_secrets = keys->add(as_text(*content)) != 0;
  settings.keys = keys;
  return has_secrets;
}

int explain(ExplainSettings& settings) {
  if (!settings.client_file.empty() || !settings.server_file.empty()) return explain_both(settings);
  if (!settings.frame.empty()) {
    std::string why;
    const std::optional<Content> frame = build_frame(settings, why);
    return frame ? explain_bytes(settings, *frame) : usage(why);
  }
  if (!settings.file.empty()) {
    const std::optional<Content> content = read_file(settings.file);
    return content ? explain_bytes(settings, *content) : failure("cannot read " + settings.file);
  }
  if (settings.argument.empty()) return usage("bytes are wanted");
  const Result<Content> bytes = parse_hex(settings.argument);
  if (!bytes) return usage("this is not hexadecimal; bytes of a file are taken with --file");
  return explain_bytes(settings, *bytes);
}

int run(ExplainSettings& settings) {
  ExplainPage page;
  ExplainDrawing drawing;
  if (settings.format == "html") settings.on_line = [&](std::string_view line) { page.add(line); };
  if (settings.format == "svg") {
    settings.on_line = [&](std::string_view line) { drawing.add(line); };
  }
  if (!settings.key_log_file.empty() && !read_key_log(settings)) {
    return failure("there are no keys of TLS in " + settings.key_log_file);
  }
  const int code = explain(settings);
  if (!page.empty()) print_text(page.text());
  if (!drawing.empty()) print_text(drawing.text());
  return code;
}

FlagGroup what_flags(ExplainSettings& s) {
  FlagGroup group{.title = "What is explained", .flags = {}};
  group.flags = {
      text_flag({"--file", "FILE", "the bytes of this file; \"-\" reads stdin", {}}, s.file),
      text_flag({"--client", "FILE", "what a client sent", {}}, s.client_file),
      text_flag({"--server", "FILE", "what its server sent", {}}, s.server_file),
      choice_flag({"--frame",
                   "text|binary|ping|pong|close|continuation",
                   "build a frame with the argument as its payload: text, hexadecimal for "
                   "binary, '1000 bye' for close",
                   {}},
                  {"text", "binary", "ping", "pong", "close", "continuation"}, s.frame),
      text_flag({"--mask", "KEY", "mask it with these four bytes, as 37fa213d", {}}, s.mask),
      switch_flag({"--unfinished", {}, "more frames follow it: FIN is 0", {}}, s.unfinished)};
  return group;
}

FlagGroup context_flags(ExplainSettings& s) {
  FlagGroup group{.title = "What is known of the connection", .flags = {}};
  group.flags = {
      choice_flag({"--from", "client|server", "who sends the bytes [as they look]", {}},
                  {"client", "server"}, s.from),
      switch_flag({"--deflate", {}, "permessage-deflate was agreed on", {}}, s.deflate),
      choice_flag({"--engineio", "3|4", "messages are Engine.IO packets of this revision", {}},
                  {"3", "4"}, s.engineio),
      text_flag(
          {"--tls-keylog",
           "FILE",
           "the keys of its TLS, as hilo, curl and browsers (SSLKEYLOGFILE) write them; those "
           "that a pcapng holds are used, too",
           {}},
          s.key_log_file)};
  return group;
}

FlagGroup output_flags(ExplainSettings& s) {
  FlagGroup group{.title = "How", .flags = {}};
  Flag format = choice_flag({"--format",
                             "text|json|html|svg",
                             "lines to read, or of JSON, or a page to click through, or a picture",
                             {}},
                            {"text", "json", "html", "svg"}, s.format);
  format.preset = "text";
  group.flags = {
      std::move(format),
      switch_flag({"--source", {}, "name the function that reads each part", {}}, s.source)};
  return group;
}

}  // namespace

Command explain_command() {
  const auto settings = std::make_shared<ExplainSettings>();
  Command command;
  command.name = "explain";
  command.summary = "say what bytes of a connection mean, bit by bit";
  command.arguments = {Argument{.name = "HEX",
                                .take = [settings](std::string_view value) -> Complaint {
                                  if (!settings->argument.empty()) settings->argument += ' ';
                                  settings->argument += value;
                                  return {};
                                },
                                .optional = true,
                                .repeatable = true}};
  command.before = {{"What it does", description}, {"Examples", examples}};
  command.groups = {what_flags(*settings), context_flags(*settings), output_flags(*settings)};
  command.after = {{"Exit codes", exit_codes}};
  command.run = [settings] { return run(*settings); };
  return command;
}

}  // namespace hilo::tools
