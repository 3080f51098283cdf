// SPDX-License-Identifier: MIT

#include "ws/trace/fault.h"

#include <span>

namespace hilo::trace {
namespace {

template <class Errc>
struct Numbers {
  Errc error;
  std::string_view numbers;
};

// Only what bytes alone can break: deadlines and budgets have numbers, too, but no bytes show them.
constexpr Numbers<ws::Errc> ws_numbers[] = {
    {ws::Errc::tls_on_plain, "17"},
    {ws::Errc::http_line_end, "40"},
    {ws::Errc::http_preface, "38, 39"},
    {ws::Errc::http_method, "46"},
    {ws::Errc::http_target, "50"},
    {ws::Errc::http_target_too_long, "44"},
    {ws::Errc::http_version, "49"},
    {ws::Errc::http_version_unsupported, "18, 49"},
    {ws::Errc::http_field_name, "42"},
    {ws::Errc::http_field_value, "41"},
    {ws::Errc::http_host, "43"},
    {ws::Errc::http_field_too_long, "45"},
    {ws::Errc::http_head_too_long, "45"},
    {ws::Errc::http_too_many_fields, "45"},
    {ws::Errc::http_framing, "51-59"},
    {ws::Errc::http_transfer_coding, "54"},
    {ws::Errc::upgrade_header, "68"},
    {ws::Errc::upgrade_connection, "69"},
    {ws::Errc::upgrade_method, "47"},
    {ws::Errc::upgrade_key, "72, 73"},
    {ws::Errc::upgrade_hixie76, "89"},
    {ws::Errc::upgrade_version, "74"},
    {ws::Errc::upgrade_version_malformed, "75"},
    {ws::Errc::upgrade_protocol_malformed, "79, 80"},
    {ws::Errc::upgrade_extensions_malformed, "83"},
    {ws::Errc::upgrade_extensions_too_many, "84"},
    {ws::Errc::response_malformed, "101"},
    {ws::Errc::response_too_long, "100"},
    {ws::Errc::response_accept, "96"},
    {ws::Errc::frame_rsv, "106-108"},
    {ws::Errc::frame_opcode, "109"},
    {ws::Errc::frame_length_not_minimal, "110, 111"},
    {ws::Errc::frame_length_msb, "112"},
    {ws::Errc::frame_unmasked, "123"},
    {ws::Errc::frame_masked, "124"},
    {ws::Errc::control_too_long, "131, 145"},
    {ws::Errc::control_fragmented, "132"},
    {ws::Errc::continuation_unexpected, "151"},
    {ws::Errc::continuation_expected, "152"},
    {ws::Errc::message_too_big, "113-115"},
    {ws::Errc::text_not_utf8, "160-169, 195"},
    {ws::Errc::close_length, "141"},
    {ws::Errc::close_code, "142"},
    {ws::Errc::close_reason_not_utf8, "144"},
    {ws::Errc::end_without_close, "148"},
    {ws::Errc::inflate_too_big, "180, 181"},
    {ws::Errc::inflate_blocks, "192"},
    {ws::Errc::inflate_data, "183, 186"},
    {ws::Errc::inflate_cut, "184"},
};

constexpr Numbers<engineio::Errc> engineio_numbers[] = {
    {engineio::Errc::packet_empty, "218"},  {engineio::Errc::packet_type, "211"},
    {engineio::Errc::packet_base64, "220"}, {engineio::Errc::packet_too_big, "215, 221"},
    {engineio::Errc::payload_utf8, "222"},  {engineio::Errc::payload_length, "223"},
    {engineio::Errc::payload_frame, "225"}, {engineio::Errc::payload_packets, "219"},
};

constexpr Numbers<socketio::Errc> socketio_numbers[] = {
    {socketio::Errc::packet_type, "237"},
    {socketio::Errc::packet_attachments, "252"},
    {socketio::Errc::attachments_too_many, "253"},
    {socketio::Errc::packet_namespace, "246"},
    {socketio::Errc::packet_id, "249"},
    {socketio::Errc::packet_json, "238, 251"},
    {socketio::Errc::packet_payload, "238, 245"},
    {socketio::Errc::event_name, "240, 241"},
};

template <class Errc>
constexpr std::string_view numbers_of(std::span<const Numbers<Errc>> all, Errc error) {
  for (const Numbers<Errc>& each : all) {
    if (each.error == error) return each.numbers;
  }
  return {};
}

}  // namespace

Fault fault_of(ws::Errc error) noexcept {
  if (error == ws::Errc::none) return {};
  const ws::Rule rule = ws::rule(error);
  return {.label = rule.label,
          .text = rule.text,
          .answer = rule.answer,
          .catalogue = numbers_of<ws::Errc>(ws_numbers, error)};
}

Fault fault_of(engineio::Errc error) noexcept {
  if (error == engineio::Errc::none) return {};
  const engineio::Rule& rule = engineio::rule(error);
  return {.label = rule.label,
          .text = rule.text,
          .answer = rule.status,
          .catalogue = numbers_of<engineio::Errc>(engineio_numbers, error)};
}

Fault fault_of(socketio::Errc error) noexcept {
  if (error == socketio::Errc::none) return {};
  const socketio::Rule& rule = socketio::rule(error);
  return {.label = rule.label,
          .text = rule.text,
          .catalogue = numbers_of<socketio::Errc>(socketio_numbers, error)};
}

}  // namespace hilo::trace
