#include "core/http/date.hpp"

#include "core/base/text.hpp"

#include <algorithm>
#include <array>

namespace gantry::http {

namespace {

constexpr std::array<std::string_view, 7> kDays = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                   "Thursday", "Friday", "Saturday"};
constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr std::int64_t kDaySeconds = 86400;
constexpr std::int64_t kEraDays = 146097;  // 400 years

// Days since 1970-01-01 of a date in the Gregorian calendar; years begin in March, so that the leap day is
// the last one.
std::int64_t days_of(std::int64_t year, int month, int day) {
    if (month <= 2) --year;
    const std::int64_t era = (year >= 0 ? year : year - 399) / 400;
    const std::int64_t year_of_era = year - era * 400;
    const std::int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    const std::int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * kEraDays + day_of_era - 719468;
}

int days_in(std::int64_t year, int month) {
    constexpr std::array<int, 12> kLengths = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return month == 2 && leap ? 29 : kLengths[static_cast<std::size_t>(month - 1)];
}

// Reads a text of fixed form from left to right; one mistake and it stays failed.
class Reader {
public:
    explicit Reader(std::string_view text) : rest_(text) {}

    void expect(std::string_view text) {
        if (rest_.substr(0, text.size()) != text) return fail();
        rest_.remove_prefix(text.size());
    }
    int number(std::size_t digits) {
        if (rest_.size() < digits) return fail(), 0;
        int value = 0;
        for (const char c : rest_.substr(0, digits)) {
            if (!is_digit(c)) return fail(), 0;
            value = value * 10 + (c - '0');
        }
        rest_.remove_prefix(digits);
        return value;
    }
    // The 1-based number of the name in `names`, of which `letters` count (0: all of them).
    template <std::size_t kCount>
    int name(const std::array<std::string_view, kCount>& names, std::size_t letters) {
        for (std::size_t i = 0; i < kCount; ++i) {
            const std::string_view name = letters == 0 ? names[i] : names[i].substr(0, letters);
            if (rest_.substr(0, name.size()) != name) continue;
            rest_.remove_prefix(name.size());
            return static_cast<int>(i) + 1;
        }
        fail();
        return 1;
    }
    char peek() const { return rest_.empty() ? '\0' : rest_.front(); }
    bool is_done() const { return good_ && rest_.empty(); }

private:
    void fail() {
        good_ = false;
        rest_ = {};
    }

    std::string_view rest_;
    bool good_ = true;
};

struct Moment {
    std::int64_t year = 0;
    int month = 1;
    int day = 1;
    int hour = 0;
    int minute = 0;
    int second = 0;
};

void read_time(Reader& reader, Moment& moment) {
    moment.hour = reader.number(2);
    reader.expect(":");
    moment.minute = reader.number(2);
    reader.expect(":");
    moment.second = reader.number(2);
}

std::optional<std::int64_t> seconds_of(const Reader& reader, const Moment& moment) {
    if (!reader.is_done() || moment.day < 1 || moment.day > days_in(moment.year, moment.month) ||
        moment.hour > 23 || moment.minute > 59 || moment.second > 60) {
        return std::nullopt;
    }
    return days_of(moment.year, moment.month, moment.day) * kDaySeconds + moment.hour * 3600 +
           moment.minute * 60 + moment.second;
}

// Sun, 06 Nov 1994 08:49:37 GMT
std::optional<std::int64_t> parse_fixdate(std::string_view text) {
    Reader reader(text);
    Moment moment;
    reader.name(kDays, 3);
    reader.expect(", ");
    moment.day = reader.number(2);
    reader.expect(" ");
    moment.month = reader.name(kMonths, 3);
    reader.expect(" ");
    moment.year = reader.number(4);
    reader.expect(" ");
    read_time(reader, moment);
    reader.expect(" GMT");
    return seconds_of(reader, moment);
}

// Sunday, 06-Nov-94 08:49:37 GMT
std::optional<std::int64_t> parse_rfc850(std::string_view text) {
    Reader reader(text);
    Moment moment;
    reader.name(kDays, 0);
    reader.expect(", ");
    moment.day = reader.number(2);
    reader.expect("-");
    moment.month = reader.name(kMonths, 3);
    reader.expect("-");
    const int year = reader.number(2);
    // The RFC's "50 years in the future" needs a clock; nobody writes this form for the years after 2069.
    moment.year = year + (year < 70 ? 2000 : 1900);
    reader.expect(" ");
    read_time(reader, moment);
    reader.expect(" GMT");
    return seconds_of(reader, moment);
}

// Sun Nov  6 08:49:37 1994
std::optional<std::int64_t> parse_asctime(std::string_view text) {
    Reader reader(text);
    Moment moment;
    reader.name(kDays, 3);
    reader.expect(" ");
    moment.month = reader.name(kMonths, 3);
    reader.expect(" ");
    if (reader.peek() == ' ') {
        reader.expect(" ");
        moment.day = reader.number(1);
    } else {
        moment.day = reader.number(2);
    }
    reader.expect(" ");
    read_time(reader, moment);
    reader.expect(" ");
    moment.year = reader.number(4);
    return seconds_of(reader, moment);
}

void put_number(char* to, int digits, std::int64_t value) {
    for (int i = digits; i-- > 0; value /= 10) to[i] = static_cast<char>('0' + value % 10);
}

}  // namespace

void write_date(char* to, std::int64_t seconds) {
    constexpr std::string_view kForm = "Sun, 06 Nov 1994 08:49:37 GMT";
    const std::int64_t days = seconds / kDaySeconds;
    const std::int64_t time = seconds % kDaySeconds;
    const std::int64_t shifted = days + 719468;
    const std::int64_t era = shifted / kEraDays;
    const std::int64_t day_of_era = shifted % kEraDays;
    const std::int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    const std::int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    const std::int64_t month_from_march = (5 * day_of_year + 2) / 153;
    const std::int64_t day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    const std::int64_t month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
    const std::int64_t year = year_of_era + era * 400 + (month <= 2 ? 1 : 0);

    std::copy(kForm.begin(), kForm.end(), to);
    const std::string_view day_name = kDays[static_cast<std::size_t>((days + 4) % 7)].substr(0, 3);
    const std::string_view month_name = kMonths[static_cast<std::size_t>(month - 1)];
    std::copy(day_name.begin(), day_name.end(), to);
    put_number(to + 5, 2, day);
    std::copy(month_name.begin(), month_name.end(), to + 8);
    put_number(to + 12, 4, year);
    put_number(to + 17, 2, time / 3600);
    put_number(to + 20, 2, time / 60 % 60);
    put_number(to + 23, 2, time % 60);
}

std::optional<std::int64_t> parse_date(std::string_view text) {
    const std::size_t comma = text.find(',');
    if (comma == 3) return parse_fixdate(text);
    return comma == text.npos ? parse_asctime(text) : parse_rfc850(text);
}

}  // namespace gantry::http
