// The fields of requests and responses of a fake host, and what is refused of them.
#pragma once

#include "gantry/fake/drive.hpp"

#include <algorithm>
#include <cctype>

namespace gantry::fake::detail {

struct FieldFunctions {
    using S = std::string_view;

    // The exchange, if this function may be called now; else the contract is broken.
    static ExchangeState* usable(const gantry_exchange_t* raw, const char* function) {
        ExchangeState& exchange = ExchangeState::of(raw);
        if (!exchange.host->is_right_thread(function)) return nullptr;
        if (!exchange.is_over) return &exchange;
        exchange.host->violation(std::string{function} + "() was called on an exchange that is over");
        return nullptr;
    }

    // Whether the head of the response may be changed still; else the contract is broken.
    static bool is_open(const ExchangeState& exchange, const char* what) {
        if (!exchange.is_head_sent) return true;
        exchange.host->violation(std::string{what} + " was changed after the head was sent");
        return false;
    }

    static bool is_same_name(S one, S other) {
        return std::equal(
            one.begin(), one.end(), other.begin(), other.end(),
            [](unsigned char a, unsigned char b) { return std::tolower(a) == std::tolower(b); });
    }
    static FieldList* list_of(ExchangeState& exchange, std::uint32_t message) {
        if (message == GANTRY_REQUEST) return &exchange.request_fields;
        if (message == GANTRY_RESPONSE) return &exchange.response_fields;
        exchange.host->violation("a message is GANTRY_REQUEST or GANTRY_RESPONSE");
        return nullptr;
    }
    // The list, if it may be written to with these.
    static FieldList* writable(const gantry_exchange_t* raw, std::uint32_t message, S name, S value,
                               gantry_result_t& error) {
        ExchangeState* exchange = usable(raw, "set_field");
        error = GANTRY_ERROR_STATE;
        if (exchange == nullptr ||
            (message == GANTRY_RESPONSE && !is_open(*exchange, "a field of the response")))
            return nullptr;
        error = GANTRY_ERROR_ARGUMENT;
        const auto is_control = [](unsigned char byte) { return (byte < 32 && byte != '\t') || byte == 127; };
        if (name.empty() || name.find_first_of(" :\t") != name.npos) return nullptr;
        if (std::any_of(name.begin(), name.end(), is_control)) return nullptr;
        if (std::any_of(value.begin(), value.end(), is_control)) return nullptr;
        for (const S reserved : {"Content-Length", "Transfer-Encoding", "Connection", "Upgrade", "Keep-Alive",
                                 "TE", "Trailer", "Proxy-Connection"}) {
            if (is_same_name(name, reserved)) return nullptr;
        }
        error = GANTRY_OK;
        return list_of(*exchange, message);
    }

    static bool field(const gantry_exchange_t* raw, std::uint32_t message, gantry_bytes_t name,
                      gantry_bytes_t* value) noexcept {
        *value = {nullptr, 0};
        ExchangeState* exchange = usable(raw, "field");
        const FieldList* list = exchange == nullptr ? nullptr : list_of(*exchange, message);
        if (list == nullptr) return false;
        for (const auto& one : *list) {
            if (!is_same_name(one->name, view(name))) continue;
            *value = bytes(one->value);
            return true;
        }
        return false;
    }
    static bool field_at(const gantry_exchange_t* raw, std::uint32_t message, std::uint32_t index,
                         gantry_bytes_t* name, gantry_bytes_t* value) noexcept {
        ExchangeState* exchange = usable(raw, "field_at");
        const FieldList* list = exchange == nullptr ? nullptr : list_of(*exchange, message);
        if (list == nullptr || index >= list->size()) return false;
        *name = bytes((*list)[index]->name);
        *value = bytes((*list)[index]->value);
        return true;
    }
    static gantry_result_t add_field(gantry_exchange_t* raw, std::uint32_t message, gantry_bytes_t name,
                                     gantry_bytes_t value) noexcept {
        gantry_result_t error = GANTRY_OK;
        FieldList* list = writable(raw, message, view(name), view(value), error);
        if (list == nullptr) return error;
        list->push_back(std::make_unique<Field>(Field{std::string{view(name)}, std::string{view(value)}}));
        return GANTRY_OK;
    }
    static gantry_result_t remove_field(gantry_exchange_t* raw, std::uint32_t message,
                                        gantry_bytes_t name) noexcept {
        gantry_result_t error = GANTRY_OK;
        FieldList* list = writable(raw, message, view(name), {}, error);
        if (list == nullptr) return error;
        std::erase_if(*list, [&](const auto& one) { return is_same_name(one->name, view(name)); });
        return GANTRY_OK;
    }
    static gantry_result_t set_field(gantry_exchange_t* raw, std::uint32_t message, gantry_bytes_t name,
                                     gantry_bytes_t value) noexcept {
        gantry_result_t error = GANTRY_OK;
        FieldList* list = writable(raw, message, view(name), view(value), error);
        if (list == nullptr) return error;
        auto field = std::make_unique<Field>(Field{std::string{view(name)}, std::string{view(value)}});
        const auto first = std::find_if(list->begin(), list->end(),
                                        [&](const auto& one) { return is_same_name(one->name, view(name)); });
        const auto index = first - list->begin();
        if (first == list->end()) {
            list->push_back(std::move(field));
            return GANTRY_OK;
        }
        std::swap(*first, field);
        const auto rest = std::remove_if(list->begin() + index + 1, list->end(), [&](const auto& one) {
            return is_same_name(one->name, (*list)[static_cast<std::size_t>(index)]->name);
        });
        list->erase(rest, list->end());
        return GANTRY_OK;
    }
};

}  // namespace gantry::fake::detail
