// One file, FIFO, terminal or syslog that lines are written to, and what happens when it takes none. Internal
// to the log thread.
#pragma once

#include "core/base/unique_fd.hpp"
#include "core/server/log_writer.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace gantry::server {

// Everything but open_first() and check() is for the log thread alone.
class LogSink final : public LogTarget {
public:
    static constexpr std::size_t kMaxPending = 256 * 1024;

    explicit LogSink(std::string name) : LogTarget(std::move(name)) {}

    // Before the thread knows of the sink. An error text, or "".
    std::string open_first();
    // Could it be opened? The same, without effect on what is open. [any]
    std::string check() const;
    // Anew, after rotation; the old file stays when that fails.
    void reopen();
    void close();
    bool is_open() const { return fd_.get() >= 0; }

    // Writes whole lines, or keeps them while a FIFO or terminal is full, or drops and counts them.
    void write(std::string_view lines, std::uint64_t count);
    // Tries again what is kept.
    void write_pending();
    bool has_pending() const { return !pending_.empty(); }
    void drop_pending();
    int fd() const { return fd_.get(); }

    // Names lost lines in the error log: the first at once, then at most once a minute.
    void report(Millis now, bool is_last = false);
    bool has_unreported() const { return dropped() != reported_; }

    // How many generations hold it, and since when none does. Guarded by the mutex of the log thread.
    std::uint32_t leases = 0;
    Millis unused_since = 0;

private:
    enum class Kind : std::uint8_t { File, Stream, Socket, Syslog };

    UniqueFd open_path(int& error) const;
    void adopt(UniqueFd fd);
    bool is_standard() const { return name_ == "stdout" || name_ == "stderr"; }
    std::size_t write_file(std::string_view bytes);
    std::size_t write_stream(std::string_view bytes);
    std::size_t write_syslog(std::string_view lines);
    std::size_t put(std::string_view lines);
    bool takes_more() const;
    void lose(std::string_view lines);

    UniqueFd fd_;
    Kind kind_ = Kind::File;
    bool in_line_ = false;    // the last write ended in the middle of a line
    bool is_broken_ = false;  // a stream refused for another reason than being full
    int cause_ = 0;           // errno of the last loss; 0: nobody took the lines in time
    std::string pending_;
    std::uint64_t reported_ = 0;
    Millis next_report_ = 0;
};

}  // namespace gantry::server
