#include "core/net/certificate_store.hpp"

#include "core/base/log.hpp"

#include <array>
#include <ctime>
#include <sys/stat.h>

namespace gantry::net {

namespace {

constexpr Millis kRecent = 20;

std::uint64_t next_id() {
    static std::atomic<std::uint64_t> last{0};
    return ++last;
}

std::string key_of(const conf::Certificate& files) {
    std::string key = files.certificate_file;
    key.append(1, '\0').append(files.key_file).append(1, '\0').append(files.ocsp_file).append(1, '\0');
    return key;
}

}  // namespace

CertificateSet::CertificateSet(std::vector<std::string> names) : id_(next_id()), names_(std::move(names)) {}

std::vector<CertificatePtr> CertificateSet::current() const {
    const std::lock_guard lock(mutex_);
    return certificates_;
}

CertificatePtr CertificateSet::self_signed() const {
    const std::lock_guard lock(mutex_);
    if (!self_signed_) self_signed_ = make_self_signed(names_);
    return self_signed_;
}

void CertificateSet::publish(std::vector<CertificatePtr> certificates) {
    const std::lock_guard lock(mutex_);
    certificates_ = std::move(certificates);
    is_empty_.store(certificates_.empty(), std::memory_order_release);
    version_.fetch_add(1, std::memory_order_release);
}

// What tells a file from its earlier self. All zero: it is not there.
struct CertificateStore::Stamp {
    std::int64_t device = 0, inode = 0, size = 0, seconds = 0, nanos = 0;
    bool operator==(const Stamp&) const = default;

    static Stamp of(const std::string& path) {
        struct stat facts{};
        if (path.empty() || ::stat(path.c_str(), &facts) != 0) return {};
        return {static_cast<std::int64_t>(facts.st_dev), static_cast<std::int64_t>(facts.st_ino),
                facts.st_size, facts.st_ctim.tv_sec, facts.st_ctim.tv_nsec};
    }
};

// One certificate and its files, shared by every set that serves it.
struct CertificateStore::Entry {
    using Stamps = std::array<Stamp, 3>;
    Stamps look() const {
        return {Stamp::of(files.certificate_file), Stamp::of(files.key_file), Stamp::of(files.ocsp_file)};
    }

    conf::Certificate files;
    Stamps seen{};  // the files as they were when last read
    Millis looked = 0;
    bool read = false;
    bool doubtful = false;  // the last look failed: look once more before saying so
    bool changed = false;   // `certificate` is newer than what the sets publish
    CertificatePtr certificate;
    std::vector<CertificateProblem> problems;  // of the last read
};

CertificateStore::~CertificateStore() {
    {
        const std::lock_guard lock(stop_mutex_);
        stopping_ = true;
    }
    stop_signal_.notify_all();
    if (thread_.joinable()) thread_.join();
}

std::shared_ptr<CertificateStore::Entry> CertificateStore::find_entry(const conf::Certificate& files) {
    std::weak_ptr<Entry>& slot = entries_[key_of(files)];
    auto entry = slot.lock();
    if (!entry) {
        entry = std::make_shared<Entry>();
        entry->files = files;
        slot = entry;
    }
    return entry;
}

// Reads the files if they differ from what was read last. True: the certificate was replaced.
bool CertificateStore::refresh(Entry& entry, bool patient) {
    entry.looked = monotonic_millis();
    const Entry::Stamps now = entry.look();
    if (entry.read && now == entry.seen && !entry.doubtful) return false;
    // Stamps from before the read: what changes while we read is seen at the next look.
    entry.seen = now;
    entry.read = true;
    CertificateLoad load = load_certificate(entry.files);
    const bool usable = load.certificate != nullptr;
    // An update that has expired already is a mistake as long as the old one has not.
    const std::int64_t today = std::time(nullptr);
    const bool worse = usable && entry.certificate && load.certificate->not_after < today &&
                       entry.certificate->not_after >= today;
    if (usable && !worse) {
        entry.doubtful = false;
        entry.changed = true;
        entry.certificate = std::move(load.certificate);
        entry.problems = std::move(load.problems);
        return true;
    }
    const bool again = patient && !entry.doubtful;
    entry.doubtful = again;
    if (!again) entry.problems = std::move(load.problems);
    if (patient && !again) {
        const CertificateProblem why = entry.problems.empty() ? CertificateProblem{} : entry.problems.front();
        log::warn("certificate not replaced, {}: {}; {} file={}",
                  entry.certificate ? "the one from before stays in use" : "its hosts go on without",
                  why.text, why.hint, entry.files.certificate_file);
    }
    return false;
}

CertificateStore::Acquired CertificateStore::acquire(const std::vector<conf::Certificate>& certificates,
                                                     const std::vector<std::string>& names) {
    const std::lock_guard lock(mutex_);
    Acquired result;
    std::string key;
    for (const conf::Certificate& files : certificates) key += key_of(files);
    // Without files it is the self-signed fallback that is shared, and that has names in it.
    if (certificates.empty()) {
        for (const std::string& name : names) key.append(1, '\1').append(name);
    }
    Users& users = sets_[key];
    auto set = users.set.lock();
    const bool is_new = set == nullptr;
    if (is_new) {
        set = std::make_shared<CertificateSet>(names);
        users.set = set;
        users.entries.clear();
        for (const conf::Certificate& files : certificates) users.entries.push_back(find_entry(files));
    }
    std::vector<CertificatePtr> usable;
    bool affects_others = false;
    std::size_t number = 0;
    for (const auto& entry : users.entries) {
        const bool was_read = entry->read;
        // Ten thousand hosts with one certificate look at its files once.
        const bool is_recent = was_read && monotonic_millis() - entry->looked < kRecent;
        if (!is_recent && refresh(*entry, false)) {
            affects_others |= was_read;
            entry->changed = was_read;
        }
        for (const CertificateProblem& problem : entry->problems) {
            result.problems.push_back(problem);
            result.problems.back().number = number;
        }
        ++number;
        if (entry->certificate) usable.push_back(entry->certificate);
    }
    if (is_new) set->publish(std::move(usable));
    if (affects_others) publish_changed();
    result.set = std::move(set);
    return result;
}

// Gives the sets what their entries have read, and forgets what nobody uses any more.
void CertificateStore::publish_changed() {
    for (auto it = sets_.begin(); it != sets_.end();) {
        const auto set = it->second.set.lock();
        if (!set) {
            it = sets_.erase(it);
            continue;
        }
        bool changed = false;
        std::vector<CertificatePtr> usable;
        for (const auto& entry : it->second.entries) {
            changed |= entry->changed;
            if (entry->certificate) usable.push_back(entry->certificate);
        }
        if (changed) set->publish(std::move(usable));
        ++it;
    }
    for (auto it = entries_.begin(); it != entries_.end();) {
        const auto entry = it->second.lock();
        if (entry) entry->changed = false;
        it = entry ? std::next(it) : entries_.erase(it);
    }
}

std::size_t CertificateStore::check_files() {
    const std::lock_guard lock(mutex_);
    std::size_t replaced = 0;
    for (const auto& [key, weak] : entries_) {
        const auto entry = weak.lock();
        if (!entry || !refresh(*entry, true)) continue;
        ++replaced;
        log::info("certificate replaced: subject={} file={}", entry->certificate->subject,
                  entry->files.certificate_file);
        for (const CertificateProblem& problem : entry->problems) {
            log::warn("{}; {}", problem.text, problem.hint);
        }
    }
    publish_changed();
    return replaced;
}

std::shared_ptr<TicketKeys> CertificateStore::ticket_keys(std::string_view listener,
                                                          std::chrono::milliseconds rotation) {
    const std::lock_guard lock(mutex_);
    const auto found = ticket_keys_.find(listener);
    if (found != ticket_keys_.end()) {
        found->second->set_period(rotation);
        return found->second;
    }
    return ticket_keys_.emplace(listener, std::make_shared<TicketKeys>(rotation)).first->second;
}

void CertificateStore::watch(std::chrono::milliseconds interval) {
    thread_ = std::thread([this, interval] {
        std::unique_lock lock(stop_mutex_);
        while (!stop_signal_.wait_for(lock, interval, [this] { return stopping_; })) {
            lock.unlock();
            check_files();
            lock.lock();
        }
    });
}

}  // namespace gantry::net
