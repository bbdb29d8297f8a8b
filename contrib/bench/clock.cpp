// Preloaded into a server, it moves that server's wall clock by the seconds that stand in the file named by
// GANTRY_BENCH_CLOCK (eight bytes, looked at each time), which is what a clock that is set does, without
// setting the machine's.
#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/time.h>

namespace {

const volatile std::int64_t* open_shift() {
    static const std::int64_t none = 0;
    const char* const path = std::getenv("GANTRY_BENCH_CLOCK");
    const int fd = path == nullptr ? -1 : open(path, O_RDONLY | O_CLOEXEC);
    void* const memory = fd < 0 ? MAP_FAILED : mmap(nullptr, sizeof none, PROT_READ, MAP_SHARED, fd, 0);
    return memory == MAP_FAILED ? &none : static_cast<const std::int64_t*>(memory);
}

std::int64_t shift() {
    static const volatile std::int64_t* const seconds = open_shift();
    return *seconds;
}

}  // namespace

extern "C" int clock_gettime(clockid_t clock, timespec* at) noexcept {
    static const auto real =
        reinterpret_cast<int (*)(clockid_t, timespec*)>(dlsym(RTLD_NEXT, "clock_gettime"));
    const int result = real(clock, at);
    if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) at->tv_sec += shift();
    return result;
}

extern "C" int gettimeofday(timeval* at, void*) noexcept {
    timespec now{};
    const int result = clock_gettime(CLOCK_REALTIME, &now);
    *at = {now.tv_sec, now.tv_nsec / 1000};
    return result;
}

extern "C" time_t time(time_t* at) noexcept {
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    if (at != nullptr) *at = now.tv_sec;
    return now.tv_sec;
}
