// Which file answers a request: the path itself, an index, a fallback. file_response.cpp sends it.
#include "core/content/static.hpp"

#include "core/content/directory_listing.hpp"
#include "core/content/file_cache.hpp"
#include "core/content/file_response.hpp"
#include "core/content/respond.hpp"
#include "core/http/uri.hpp"
#include "core/server/template.hpp"

#include <charconv>
#include <optional>

namespace gantry::content {
namespace {

using server::Exchange;
using server::Verdict;
using Kind = FileEntry::Kind;

const Error kNotFound{Code::NotFound, Side::Client, Retry::No, 0, "while looking for the file"};
const Error kForbidden{Code::Forbidden, Side::Client, Retry::No, 0, "while looking for the file"};
const Error kNotAllowed{Code::MethodNotAllowed, Side::Client, Retry::No, 0, "files are only read"};
constexpr std::uint32_t kWarmed = 1;  // handler_state: the disk was asked elsewhere, do not go round again

// ".git" and the like, at any depth. "/.well-known/" is there to be seen (RFC 8615).
bool has_dot_segment(std::string_view path) {
    if (path.starts_with(".well-known/")) path.remove_prefix(12);
    return path.starts_with('.') || path.find("/.") != path.npos;
}

class Static final : public server::Handler {
public:
    Static(const conf::Static& settings, const server::HandlerScope& scope);
    Verdict handle(Exchange& exchange) const override;
    void foresee(Exchange& exchange, server::Outlook& outlook) const override;

private:
    // What was tried, and what came of it.
    struct Search {
        Exchange& exchange;
        FileCache& cache;
        Disk disk;
        std::string_view missing = {};  // the path that the disk has to be asked for
        bool would_block = false;
    };

    static bool is_read(Exchange& exchange);
    std::string_view relative_path(const Exchange& exchange) const;
    // Of a path in normal form: without the first slash, and without the prefix of the location where it is
    // stripped.
    std::string_view below_root(std::string_view path, const Exchange& exchange) const;
    Ref<FileEntry> find(Search& search, std::string_view path) const;
    Ref<FileEntry> find_index(Search& search, std::string_view directory, std::string_view& name) const;
    Verdict answer(Search& search, std::string_view path) const;
    Verdict answer_directory(Search& search, std::string_view path) const;
    std::optional<std::string_view> path_to_try(const server::Template& text, Exchange& exchange) const;
    Verdict try_files(Search& search) const;
    Verdict fall_back(Search& search, const Error& error) const;
    Verdict send(Search& search, std::string_view path, Ref<FileEntry> file) const;
    Ref<FileEntry> choose_variant(Search& search, std::string_view path, const Ref<FileEntry>& file,
                                  std::string_view& coding) const;
    static Verdict redirect_to_directory(Exchange& exchange);
    Verdict wait_for_disk(Search& search) const;

    conf::Shared<conf::StaticOptions> options_;
    bool strip_prefix_;
    FileRoot root_;
    std::vector<server::Template> try_files_;
    int try_status_ = 404;  // of a last "=404"
    std::shared_ptr<const FileTypes> types_;
};

Static::Static(const conf::Static& settings, const server::HandlerScope& scope)
    : options_(settings.options),
      strip_prefix_(settings.strip_prefix),
      types_(file_types(*settings.options)) {
    root_.path = settings.root;
    root_.links = options_->symlinks;
    root_.max_memory_file = options_->cache_max_file;
    root_.cache_bytes = options_->cache_size;
    root_.check = options_->cache_check.count();
    root_.id = file_root_id(root_);
    for (const conf::Template& text : options_->try_files) {
        if (text.text.starts_with('=')) {
            std::from_chars(text.text.data() + 1, text.text.data() + text.text.size(), try_status_);
        } else {
            try_files_.push_back(compile_template(text, server::Purpose::Text, scope));
        }
    }
}

// False: it was answered that files are only read.
bool Static::is_read(Exchange& exchange) {
    const http::Method method = exchange.request().method;
    if (method == http::Method::Get || method == http::Method::Head) return true;
    exchange.fail(405, kNotAllowed, http::HeaderId::Allow, "GET, HEAD");
    return false;
}

Verdict Static::handle(Exchange& exchange) const {
    if (!is_read(exchange)) return Verdict::Fail;
    Search search{exchange, exchange.worker().local<FileCache>(),
                  exchange.handler_state() == kWarmed ? Disk::MayBlock : Disk::Cached};
    const Verdict verdict =
        options_->try_files.empty() ? answer(search, relative_path(exchange)) : try_files(search);
    return search.would_block ? wait_for_disk(search) : verdict;
}

std::string_view Static::relative_path(const Exchange& exchange) const {
    return below_root(exchange.path(), exchange);
}

std::string_view Static::below_root(std::string_view path, const Exchange& exchange) const {
    if (strip_prefix_ && path.starts_with(exchange.matched_pattern()))
        path.remove_prefix(exchange.matched_pattern().size());
    while (path.starts_with('/')) path.remove_prefix(1);
    return path;
}

// Null: would_block is set.
Ref<FileEntry> Static::find(Search& search, std::string_view path) const {
    if (search.would_block) return {};
    Ref<FileEntry> entry = search.cache.find(root_, path, search.disk);
    if (!entry) {
        search.would_block = true;
        search.missing = search.exchange.arena().copy(path);
    }
    return entry;
}

Verdict Static::answer(Search& search, std::string_view path) const {
    if (!options_->dotfiles && has_dot_segment(path)) return fall_back(search, kNotFound);
    if (path.empty() || path.ends_with('/')) return answer_directory(search, path);
    Ref<FileEntry> file = find(search, path);
    if (!file) return Verdict::Wait;
    switch (file->kind) {
        case Kind::File:
            return send(search, path, std::move(file));
        case Kind::Directory:
            return redirect_to_directory(search.exchange);
        case Kind::Forbidden:
            search.exchange.fail(kForbidden);
            return Verdict::Fail;
        case Kind::Failed:
            search.exchange.fail(file->error);
            return Verdict::Fail;
        case Kind::NotFound:
            break;
    }
    return fall_back(search, kNotFound);
}

Ref<FileEntry> Static::find_index(Search& search, std::string_view directory, std::string_view& name) const {
    for (const std::string& index : options_->index) {
        name = search.exchange.arena().join(directory, index);
        Ref<FileEntry> file = find(search, name);
        if (!file || file->kind == Kind::File) return file;
    }
    return {};
}

Verdict Static::answer_directory(Search& search, std::string_view path) const {
    std::string_view name;
    Ref<FileEntry> file = find_index(search, path, name);
    if (search.would_block) return Verdict::Wait;
    if (file) return send(search, name, std::move(file));
    Ref<FileEntry> directory = find(search, path);
    if (!directory) return Verdict::Wait;
    if (directory->kind == Kind::Directory && options_->listing) {
        return list_directory(search.exchange, root_, path, *options_);
    }
    // That a directory exists is not told where it may not be listed, but for the fallback.
    return fall_back(search, directory->kind == Kind::Directory ? kForbidden : kNotFound);
}

// Below the root; nothing where it may not be looked for.
std::optional<std::string_view> Static::path_to_try(const server::Template& text, Exchange& exchange) const {
    Arena& arena = exchange.arena();
    // Values of the request go through the normal form again: a query must not smuggle ".." in.
    const auto normal = http::normalize_path(arena.join("/", text.evaluate(exchange, arena)),
                                             http::EncodedSlash::Keep, true, arena);
    if (!normal) return std::nullopt;
    const std::string_view path = below_root(*normal, exchange);
    if (!options_->dotfiles && has_dot_segment(path)) return std::nullopt;
    return path;
}

Verdict Static::try_files(Search& search) const {
    for (const server::Template& text : try_files_) {
        const auto wanted = path_to_try(text, search.exchange);
        if (!wanted) continue;
        const std::string_view path = *wanted;
        if (path.empty() || path.ends_with('/')) {
            std::string_view name;
            Ref<FileEntry> index = find_index(search, path, name);
            if (search.would_block) return Verdict::Wait;
            if (index) return send(search, name, std::move(index));
            continue;
        }
        Ref<FileEntry> file = find(search, path);
        if (!file) return Verdict::Wait;
        if (file->kind == Kind::File) return send(search, path, std::move(file));
    }
    if (try_status_ != 404) {
        search.exchange.fail(try_status_, Exchange::kNoError);
        return Verdict::Fail;
    }
    return fall_back(search, kNotFound);
}

// Nothing was found: the application's one page, where there is one.
Verdict Static::fall_back(Search& search, const Error& error) const {
    if (!options_->spa.empty()) {
        Ref<FileEntry> file = find(search, options_->spa);
        if (!file) return Verdict::Wait;
        if (file->kind == Kind::File) return send(search, options_->spa, std::move(file));
    }
    search.exchange.fail(error);
    return Verdict::Fail;
}

Verdict Static::send(Search& search, std::string_view path, Ref<FileEntry> file) const {
    FileResponse response;
    response.types = types_.get();
    response.path = path;
    response.cache_control = options_->cache_control;
    response.has_etag = options_->etag;
    if (!options_->precompressed.empty()) {
        response.varies = true;
        file = choose_variant(search, path, file, response.coding);
        if (search.would_block) return Verdict::Wait;
    }
    response.file = std::move(file);
    send_file_response(search.exchange, response);
    return Verdict::Done;
}

// The smallest representation that the client takes, among the sidecars that are no older than the file
// itself.
Ref<FileEntry> Static::choose_variant(Search& search, std::string_view path, const Ref<FileEntry>& file,
                                      std::string_view& coding) const {
    const std::string_view accepted =
        search.exchange.request().headers.combined(http::HeaderId::AcceptEncoding);
    Ref<FileEntry> best = file;
    int best_weight = 0;
    for (const std::string& name : options_->precompressed) {
        const int weight = coding_weight(accepted, name);
        if (weight <= best_weight) continue;
        Ref<FileEntry> sidecar = find(search, search.exchange.arena().join(path, coding_extension(name)));
        if (!sidecar) return {};
        if (sidecar->kind != Kind::File || sidecar->modified < file->modified) continue;
        best = std::move(sidecar);
        best_weight = weight;
        coding = coding_token(name);
    }
    return best;
}

// "/dir" to "/dir/". The path of a Location must not begin with two slashes: that would name another host.
Verdict Static::redirect_to_directory(Exchange& exchange) {
    std::string_view path = exchange.path();
    while (path.starts_with("//")) path.remove_prefix(1);
    const http::RequestHead& request = exchange.request();
    Arena& arena = exchange.arena();
    const std::string_view to = arena.join(
        http::percent_encode_path(path, arena, server::encoded_slash_of(*exchange.host()->settings)), "/",
        request.has_query ? "?" : "", request.query);
    exchange.response().status = 301;
    exchange.response().headers.add(http::HeaderId::Location, to);
    exchange.respond({});
    return Verdict::Done;
}

// As handle(), with what it would look for in place of what it finds.
void Static::foresee(Exchange& exchange, server::Outlook& outlook) const {
    outlook.handler = "static";
    if (!is_read(exchange)) return;
    const auto add = [&](std::string_view path) {
        outlook.files.push_back(root_.path + "/" + std::string(path));
    };
    const auto add_path = [&](std::string_view path) {
        if (!path.empty() && !path.ends_with('/')) return add(path);
        for (const std::string& index : options_->index) add(std::string(path) + index);
    };
    outlook.otherwise = std::to_string(try_status_);
    if (options_->try_files.empty()) {
        const std::string_view path = relative_path(exchange);
        const bool is_hidden = !options_->dotfiles && has_dot_segment(path);
        if (!is_hidden) add_path(path);
        if (!is_hidden && (path.empty() || path.ends_with('/'))) {
            outlook.otherwise = options_->listing ? "listing, or 404" : "403 for a folder, or 404";
        }
    } else {
        for (const server::Template& text : try_files_) {
            if (const auto path = path_to_try(text, exchange)) add_path(*path);
        }
    }
    if (!options_->spa.empty() && try_status_ == 404) add(options_->spa);
    if (outlook.files.empty()) exchange.fail(try_status_, Exchange::kNoError);
}

// The disk is asked on another thread; what it brings is then in the kernel's caches.
Verdict Static::wait_for_disk(Search& search) const {
    Exchange& exchange = search.exchange;
    const server::Ticket ticket = exchange.suspend(nullptr, nullptr);
    exchange.set_handler_state(kWarmed);
    server::WorkerContext& worker = exchange.worker();
    const bool queued =
        worker.blocking().submit([&worker, ticket, root = root_, path = std::string(search.missing)] {
            FileCache::warm(root, path);
            worker.net().post([&worker, ticket] { worker.resume(ticket, Verdict::Again); });
        });
    if (!queued) worker.net().post([&worker, ticket] { worker.resume(ticket, Verdict::Again); });
    return Verdict::Wait;
}

}  // namespace

std::unique_ptr<server::Handler> make_static(const conf::Static& settings,
                                             const server::HandlerScope& scope) {
    return std::make_unique<Static>(settings, scope);
}

}  // namespace gantry::content
