// gantry.filter/1
#include "core/module/host_filter.hpp"

#include "core/module/extensions.hpp"
#include "core/module/sized.hpp"
#include "core/server/body_filter.hpp"

namespace gantry::module {
namespace {

server::BodySink& sink_of(gantry_sink_t* sink) {
    return *reinterpret_cast<server::BodySink*>(sink);
}
gantry_sink_t* handle_of(server::BodySink& sink) {
    return reinterpret_cast<gantry_sink_t*>(&sink);
}

class ModuleFilter final : public server::BodyFilter {
public:
    ModuleFilter(const gantry_body_filter_t& filter, void* state) : filter_(filter), state_(state) {}
    ModuleFilter(const ModuleFilter&) = delete;
    ModuleFilter& operator=(const ModuleFilter&) = delete;
    ~ModuleFilter() override {
        if (filter_.drop != nullptr) filter_.drop(state_);
    }

    bool on_piece(std::string_view bytes, const Ref<RefCounted>& /*owner*/, server::BodySink& next) override {
        return filter_.on_data(state_, bytes_of(bytes), handle_of(next));
    }
    bool on_pause(server::BodySink& next) override {
        return filter_.on_pause == nullptr || filter_.on_pause(state_, handle_of(next));
    }
    bool on_end(server::BodySink& next) override {
        return filter_.on_end == nullptr || filter_.on_end(state_, handle_of(next));
    }

private:
    gantry_body_filter_t filter_;
    void* state_;
};

gantry_result_t add_body_filter(gantry_exchange_t* handle, const gantry_body_filter_t* given,
                                void* state) noexcept {
    const auto filter = whole(given);
    if (!filter || filter->on_data == nullptr) return GANTRY_ERROR_ARGUMENT;
    server::Exchange& exchange = exchange_of(handle);
    if (exchange.is_head_sent() || !exchange.has_body()) return GANTRY_ERROR_STATE;
    exchange.add_body_filter(std::make_unique<ModuleFilter>(*filter, state));
    return GANTRY_OK;
}

void send(gantry_sink_t* sink, gantry_bytes_t data) noexcept {
    if (data.size > 0) sink_of(sink).send(view_of(data), {});
}

}  // namespace

const gantry_filter_1_t kFilter = {sizeof(gantry_filter_1_t), &add_header_filter, &add_body_filter, &send};

}  // namespace gantry::module
