// gantry.store/1
#include "core/module/extensions.hpp"
#include "core/module/store_answer.hpp"
#include "core/store/service.hpp"

#include <algorithm>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace gantry::module {
namespace {

static_assert(GANTRY_STORE_NAME_MAX == store::kLongestKey && GANTRY_STORE_VALUE_MAX == store::kLargestValue &&
              GANTRY_STORE_ENTRIES_MAX == store::kMostEntries);

// 0 only for 0: what is asked for is at least a millisecond long.
Millis millis_of(std::uint64_t nanos) {
    return nanos == 0 ? 0 : std::max<Millis>(static_cast<Millis>(nanos / kNanosPerMilli), 1);
}
gantry_result_t submit(const gantry_host_t* host, const gantry_store_reply_t* reply,
                       store::Operation operation) {
    if (reply == nullptr || reply->done == nullptr) return GANTRY_ERROR_ARGUMENT;
    const Module& module = module_of(host);
    if (module.services->store == nullptr || module.services->main == nullptr) return GANTRY_ERROR_STATE;
    const bool is_taken = module.services->store->submit(
        module.name, std::move(operation),
        [&module, reply = *reply](store::Answer&& answer) { deliver(module, reply, std::move(answer)); });
    return is_taken ? GANTRY_OK : GANTRY_ERROR_LIMIT;
}

bool is_name(gantry_bytes_t bytes) {
    return bytes.data != nullptr && bytes.size >= 1 && bytes.size <= store::kLongestKey;
}
bool is_prefix(gantry_bytes_t bytes) {
    return bytes.size == 0 || is_name(bytes);
}
bool is_value(gantry_bytes_t bytes) {
    return bytes.size == 0 || (bytes.data != nullptr && bytes.size <= store::kLargestValue);
}
std::string text_of(gantry_bytes_t bytes) {
    return std::string(view_of(bytes));
}
std::optional<std::uint64_t> expected_of(std::uint64_t version) {
    return version == GANTRY_ANY_VERSION ? std::nullopt : std::optional(version);
}

gantry_result_t get(const gantry_host_t* host, gantry_bytes_t key,
                    const gantry_store_reply_t* reply) noexcept {
    if (!is_name(key)) return GANTRY_ERROR_ARGUMENT;
    return submit(host, reply, store::Get{text_of(key)});
}

gantry_result_t put(const gantry_host_t* host, gantry_bytes_t key, gantry_bytes_t value,
                    std::uint64_t lifetime, std::uint64_t expected,
                    const gantry_store_reply_t* reply) noexcept {
    if (!is_name(key) || !is_value(value)) return GANTRY_ERROR_ARGUMENT;
    return submit(host, reply,
                  store::Put{text_of(key), text_of(value), millis_of(lifetime), expected_of(expected)});
}

gantry_result_t erase(const gantry_host_t* host, gantry_bytes_t key, std::uint64_t expected,
                      const gantry_store_reply_t* reply) noexcept {
    if (!is_name(key)) return GANTRY_ERROR_ARGUMENT;
    return submit(host, reply, store::Erase{text_of(key), expected_of(expected)});
}

gantry_result_t list(const gantry_host_t* host, gantry_bytes_t prefix, gantry_bytes_t after,
                     std::uint32_t limit, const gantry_store_reply_t* reply) noexcept {
    if (!is_prefix(prefix) || !is_prefix(after)) return GANTRY_ERROR_ARGUMENT;
    return submit(host, reply, store::List{text_of(prefix), text_of(after), limit});
}

gantry_result_t add(const gantry_host_t* host, gantry_bytes_t key, std::int64_t amount, std::uint64_t window,
                    const gantry_store_reply_t* reply) noexcept {
    if (!is_name(key)) return GANTRY_ERROR_ARGUMENT;
    return submit(host, reply, store::Add{text_of(key), amount, millis_of(window)});
}

gantry_result_t append(const gantry_host_t* host, gantry_bytes_t stream, gantry_bytes_t value,
                       std::uint64_t keep, const gantry_store_reply_t* reply) noexcept {
    if (!is_name(stream) || !is_value(value)) return GANTRY_ERROR_ARGUMENT;
    constexpr std::uint64_t kMost = std::numeric_limits<std::int64_t>::max();
    return submit(host, reply, store::Append{text_of(stream), text_of(value), std::min(keep, kMost)});
}

gantry_result_t read(const gantry_host_t* host, gantry_bytes_t stream, std::uint64_t after,
                     std::uint32_t limit, const gantry_store_reply_t* reply) noexcept {
    if (!is_name(stream)) return GANTRY_ERROR_ARGUMENT;
    return submit(host, reply, store::Read{text_of(stream), after, limit});
}

gantry_result_t claim(const gantry_host_t* host, gantry_bytes_t stream, gantry_bytes_t group,
                      std::uint32_t limit, std::uint64_t lease, std::uint32_t attempts,
                      const gantry_store_reply_t* reply) noexcept {
    if (!is_name(stream) || !is_name(group)) return GANTRY_ERROR_ARGUMENT;
    store::Claim operation{text_of(stream), text_of(group), limit, millis_of(lease)};
    if (attempts != 0) operation.attempts = attempts;
    return submit(host, reply, std::move(operation));
}

gantry_result_t acknowledge(const gantry_host_t* host, gantry_bytes_t stream, gantry_bytes_t group,
                            const std::uint64_t* ids, std::uint32_t count,
                            const gantry_store_reply_t* reply) noexcept {
    if (!is_name(stream) || !is_name(group) || ids == nullptr || count > store::kMostEntries) {
        return GANTRY_ERROR_ARGUMENT;
    }
    return submit(host, reply, store::Acknowledge{text_of(stream), text_of(group), {ids, ids + count}});
}

gantry_result_t reject(const gantry_host_t* host, gantry_bytes_t stream, gantry_bytes_t group,
                       std::uint64_t id, std::uint64_t delay, const gantry_store_reply_t* reply) noexcept {
    if (!is_name(stream) || !is_name(group)) return GANTRY_ERROR_ARGUMENT;
    return submit(host, reply, store::Reject{text_of(stream), text_of(group), id, millis_of(delay)});
}

gantry_result_t dead(const gantry_host_t* host, gantry_bytes_t stream, gantry_bytes_t group,
                     std::uint64_t after, std::uint32_t limit, const gantry_store_reply_t* reply) noexcept {
    if (!is_name(stream) || !is_name(group)) return GANTRY_ERROR_ARGUMENT;
    return submit(host, reply, store::Dead{text_of(stream), text_of(group), after, limit});
}

}  // namespace

const gantry_store_1_t kStore = {
    sizeof(gantry_store_1_t),
    &get,
    &put,
    &erase,
    &list,
    &add,
    &append,
    &read,
    &claim,
    &acknowledge,
    &reject,
    &dead,
};

}  // namespace gantry::module
