// A file of lines that people edit while it is in use: read when it has changed, and never half of it.
#pragma once

#include "guarded.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace auth {

constexpr std::size_t kMostFileBytes = 16 * 1024 * 1024;
constexpr std::size_t kMostFaults = 5;  // the first ones are told

// What is wrong with a line, counted from 1; 0: with all of it.
struct Fault {
    std::size_t line = 0;
    std::string message;
};

// What a file says. Only one without faults is used.
template <class Content>
struct Parsed {
    Content content = {};
    std::vector<Fault> faults = {};

    void fault(std::size_t line, std::string message) {
        if (faults.size() < kMostFaults) faults.push_back({line, std::move(message)});
    }
};

// Calls visit(line, number) for each line that is neither empty nor a comment, without blanks around it.
void each_line(std::string_view text, const std::function<void(std::string_view, std::size_t)>& visit);

// Whether a file is still the one that was looked at. [main]
struct FileIdentity {
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    std::uint64_t size = 0;
    std::int64_t seconds = 0;
    std::int64_t nanos = 0;
    int error = 0;  // there is none: why

    bool operator==(const FileIdentity&) const = default;
    static FileIdentity of(const char* path);
};

// All of it; nothing: `fault` says why.
std::optional<std::string> read_file(const std::string& path, std::string& fault);

// A file whose content all workers use.
template <class Content>
class WatchedFile {
public:
    enum class Look { Unchanged, Replaced, Broken };
    using Parse = Parsed<Content> (*)(std::string_view text);

    WatchedFile(std::string path, Parse parse)
        : path_(std::move(path)),
          parse_(parse),
          content_(std::make_unique<Pointer>(std::make_shared<Content>())) {}

    // Reads it if it has changed; what was sound before stays where it is not. [main]
    Look look() { return FileIdentity::of(path_.c_str()) == seen_ ? Look::Unchanged : read(); }
    // Its identity is taken first: what changes while it is read is seen the next time. [main]
    Look read() {
        faults_.clear();
        seen_ = FileIdentity::of(path_.c_str());
        std::string fault;
        const std::optional<std::string> text = read_file(path_, fault);
        if (!text) {
            faults_.push_back(path_ + ": " + fault);
            return Look::Broken;
        }
        Parsed<Content> parsed = parse_(*text);
        for (const Fault& one : parsed.faults) {
            faults_.push_back(path_ + (one.line > 0 ? ":" + std::to_string(one.line) : "") + ": " +
                              one.message);
        }
        if (!faults_.empty()) return Look::Broken;
        is_sound_ = true;
        content_.replace(
            std::make_unique<Pointer>(std::make_shared<const Content>(std::move(parsed.content))));
        return Look::Replaced;
    }

    const std::string& path() const { return path_; }
    // It has been read once without faults. [main]
    bool is_sound() const { return is_sound_; }
    // "FILE:12: what is wrong, and what to do about it". [main]
    const std::vector<std::string>& faults() const { return faults_; }

    // [any]
    std::shared_ptr<const Content> content() const {
        return content_.with([](const Pointer& content) { return content; });
    }

private:
    using Pointer = std::shared_ptr<const Content>;

    const std::string path_;
    const Parse parse_;
    FileIdentity seen_;
    bool is_sound_ = false;
    std::vector<std::string> faults_;
    Guarded<Pointer> content_;
};

}  // namespace auth
