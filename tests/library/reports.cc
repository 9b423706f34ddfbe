// SPDX-License-Identifier: Apache-2.0
// A user of the library in C++: each member of a report, a line each.
#include <forkpoint-triage.h>

#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <string>

namespace {

struct freer {
	void operator()(fpt_reports *reports) const { fpt_free(reports); }
};

std::string word(const char *text)
{
	return text ? text : "none";
}

void tell(const fpt_report &report)
{
	std::cout << "format " << report.format << "\nsignal " << word(report.signal)
		  << "\npattern " << report.pattern << "\ndetail " << report.detail
		  << "\nattribution " << report.attribution << "\ncomponent "
		  << word(report.component) << "\nconfidence " << report.confidence
		  << "\nsignature " << report.signature << "\nthread " << word(report.thread)
		  << "\npython " << word(report.python) << "\nconfirmation "
		  << word(report.confirmation) << "\nline " << report.line << "\nincomplete "
		  << report.incomplete << '\n';
	for (std::size_t i = 0; i < report.nalso; i++)
		std::cout << "also " << report.also[i] << '\n';
	for (std::size_t i = 0; i < report.nevidence; i++)
		std::cout << "evidence " << report.evidence[i].frame << ' '
			  << report.evidence[i].why << '\n';
	for (std::size_t i = 0; i < report.nframes; i++) {
		const fpt_frame &frame = report.frames[i];

		std::cout << "frame " << frame.n << ' ' << word(frame.function) << ' '
			  << word(frame.module) << ' ' << word(frame.file) << ' ' << frame.line
			  << ' ' << frame.category << ' ' << word(frame.component) << ' '
			  << frame.trust << '\n';
	}
}

} // namespace

int main(int argc, char **argv)
{
	std::ifstream file(argv[argc - 1], std::ios::binary);
	const std::string text((std::istreambuf_iterator<char>(file)),
			       std::istreambuf_iterator<char>());
	fpt_reports *got = nullptr;
	char *json = nullptr;

	if (fpt_read(text.data(), text.size(), nullptr, &got, nullptr) != FPT_OK)
		return 1;
	const std::unique_ptr<fpt_reports, freer> reports(got);
	for (std::size_t i = 0; i < fpt_count(got); i++)
		tell(*fpt_get(got, i));
	std::cout << "versions " << fpt_version() << ' ' << fpt_rules_version() << ' '
		  << fpt_signature_version() << '\n'
		  << "beyond " << (fpt_get(got, fpt_count(got)) == nullptr) << ' '
		  << (fpt_json(got, fpt_count(got), &json) == FPT_NO_REPORT) << ' '
		  << (json == nullptr) << ' ' << fpt_status_text(FPT_NO_REPORT) << '\n'
		  << "null " << fpt_count(nullptr) << fpt_more(nullptr)
		  << (fpt_get(nullptr, 0) == nullptr)
		  << (fpt_json(nullptr, 0, &json) == FPT_NO_REPORT)
		  << (fpt_markdown(nullptr, 0, "", &json) == FPT_NO_REPORT) << '\n';
	const char *const hostile = "2026\x1b[2J\n\xff# <b>", *const none = nullptr;
	for (const char *generated : { hostile, none })
		if (fpt_markdown(got, 0, generated, &json) == FPT_OK) {
			const std::string text_of(json);

			std::cout << "head "
				  << text_of.substr(0, text_of.find("**Source ref")).substr(25)
				  << "end\n";
			std::free(json);
		}
	return 0;
}
