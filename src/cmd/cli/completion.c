/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * completion.c - shell scripts out of the table of options
 *
 * A script is a constant frame, and between its parts one line for each option, made of
 * opts_table[]. What completes an argument follows from its name in the table (kinds[]); an
 * argument that is not there is completed by nothing.
 *
 * What always holds: the script knows no option by name, so a new one in the table is completed
 * without a change here. The verbs' own options are asked for when the user presses the key, from
 * the program that is then installed.
 */
#include "cmd/cli/completion.h"

#include <errno.h>
#include <string.h>

#include "cmd/cli/opts_internal.h"

/* What completes an argument, by its name in the table; nothing does if it is not here. */
static const struct kind {
	const char *arg;
	const char *bash; /* of compgen */
	const char *zsh;  /* an action of _arguments */
} kinds[] = {
	{ "FILE", "-f", "_files" },
	{ "[=FILE]", "-f", "_files" },
	{ "PATH", "-f", "_files" },
	{ "DIR", "-d", "_files -/" },
	{ "COMMAND", "-c", "_command_names -e" },
	{ "[=WHEN]", "-W 'auto always never'", "(auto always never)" },
	{ "N|auto", "-W auto", "(auto)" },
};

static const struct kind *kind_of(const struct option_def *o)
{
	for (size_t i = 0; i < LEN(kinds); i++)
		if (strcmp(kinds[i].arg, o->arg) == 0)
			return &kinds[i];
	return NULL;
}

static void write_tools(FILE *out, const char *const tools[], size_t n)
{
	for (size_t i = 0; i < n; i++)
		fprintf(out, "%s%s", i ? " " : "", tools[i]);
}

/* bash ----------------------------------------------------------------------------------------- */

static const char bash_head[] =
	"# bash completion for mpnc, made by: mpnc help completion bash\n"
	"\n"
	"# _mpnc_among WORD ARG...: what compgen makes of the arguments and begins with the word\n"
	"_mpnc_among()\n"
	"{\n"
	"	local word=$1\n"
	"\n"
	"	shift\n"
	"	mapfile -t COMPREPLY < <(compgen \"$@\" -- \"$word\")\n"
	"}\n"
	"\n"
	"# _mpnc_argument OPTION WORD: completes its argument. Fails if it takes none.\n"
	"_mpnc_argument()\n"
	"{\n"
	"	case $1 in\n";

static const char bash_middle[] =
	"	*) return 1 ;;\n"
	"	esac\n"
	"}\n"
	"\n"
	"_mpnc()\n"
	"{\n"
	"	local word=${COMP_WORDS[COMP_CWORD]} option=${COMP_WORDS[COMP_CWORD - 1]} i\n"
	"	local tool=${COMP_WORDS[1]}\n"
	"\n"
	"	COMPREPLY=()\n"
	"	((COMP_CWORD > 1)) || tool=\n"
	"	if [[ $tool == help ]]; then\n"
	"		[[ $option != help ]] || _mpnc_among \"$word\" -W \"$_mpnc_tools "
	"completion\"\n"
	"		[[ $option != completion ]] || _mpnc_among \"$word\" -W 'bash zsh'\n"
	"		return\n"
	"	fi\n"
	"	if [[ $tool == send || $tool == recv ]]; then\n"
	"		for ((i = 2; i < COMP_CWORD; i++)); do\n"
	"			[[ ${COMP_WORDS[i]} != -- ]] || {\n"
	"				compopt -o filenames 2>/dev/null\n"
	"				_mpnc_among \"$word\" -c -f\n"
	"				return\n"
	"			}\n"
	"		done\n"
	"	elif [[ $tool && \" $_mpnc_tools \" == *\" $tool \"* ]]; then\n"
	"		_mpnc_among \"$word\" -W \"$(\"$1\" help \"$tool\" 2>/dev/null |\n"
	"			grep -oE -- '--[a-z][a-z-]*')\"\n"
	"		return\n"
	"	fi\n"
	"	# The shell takes --option=word apart at the equals sign.\n"
	"	if [[ $word == = ]]; then\n"
	"		option+='=' word=\n"
	"	elif [[ $option == = ]]; then\n"
	"		option=${COMP_WORDS[COMP_CWORD - 2]}=\n"
	"	elif [[ $option == -[!-]* ]]; then\n"
	"		option=-${option: -1}\n"
	"	fi\n"
	"	_mpnc_argument \"$option\" \"$word\" && return\n"
	"	if [[ $word == -* ]]; then\n"
	"		_mpnc_among \"$word\" -W \"$_mpnc_options\"\n"
	"	elif ((COMP_CWORD == 1)); then\n"
	"		_mpnc_among \"$word\" -A hostname -W \"$_mpnc_tools help\"\n"
	"	else\n"
	"		_mpnc_among \"$word\" -A hostname\n"
	"	fi\n"
	"}\n"
	"\n";

/* "-w | --wait | --wait=": as the argument's own word, or behind an equals sign */
static void bash_argument(FILE *out, const struct option_def *o)
{
	const struct kind *kind = kind_of(o);
	bool own_word = !opts_optional_arg(o);
	const char *between = "";

	fputc('\t', out);
	if (o->letter) {
		fprintf(out, "-%c", o->letter);
		between = " | ";
	}
	if (o->name && own_word) {
		fprintf(out, "%s--%s", between, o->name);
		between = " | ";
	}
	if (o->name)
		fprintf(out, "%s--%s=", between, o->name);
	fputs(") ", out);
	if (kind && (kind->bash[1] == 'f' || kind->bash[1] == 'd'))
		fputs("compopt -o filenames 2>/dev/null; ", out);
	if (kind)
		fprintf(out, "_mpnc_among \"$2\" %s ;;\n", kind->bash);
	else
		fputs(";;\n", out);
}

static void write_bash(FILE *out, const char *const tools[], size_t n)
{
	fputs(bash_head, out);
	for (size_t i = 0; i < N_OPTIONS; i++)
		if (opts_table[i].arg)
			bash_argument(out, &opts_table[i]);
	fputs(bash_middle, out);
	fputs("_mpnc_tools='", out);
	write_tools(out, tools, n);
	fputs("'\n_mpnc_options='", out);
	for (size_t i = 0; i < N_OPTIONS; i++) {
		const struct option_def *o = &opts_table[i];

		if (o->name)
			fprintf(out, "%s--%s", i ? " " : "", o->name);
		else
			fprintf(out, "%s-%c", i ? " " : "", o->letter);
	}
	fputs("'\n\ncomplete -F _mpnc mpnc\n", out);
}

/* zsh ------------------------------------------------------------------------------------------ */

/* May be given more than once. */
static bool repeats(const struct option_def *o)
{
	return o == &opts_table[OPT_VERBOSE] || o == &opts_table[OPT_ALLOW];
}

/* Its help, within '...[': lines become one, and what would end it is quoted. */
static void zsh_help(FILE *out, const char *help)
{
	for (; *help; help++) {
		if (*help == '\'')
			fputs("'\\''", out);
		else if (*help == '[' || *help == ']')
			fprintf(out, "\\%c", *help);
		else
			fputc(*help == '\n' ? ' ' : *help, out);
	}
}

/* '(-w --wait)'{-w+,--wait=}'[give up when ...]:TIME: ' */
static void zsh_option(FILE *out, const struct option_def *o)
{
	const struct kind *kind = o->arg ? kind_of(o) : NULL;
	bool both = o->letter && o->name;

	fputs("\t'", out);
	if (repeats(o))
		fputc('*', out);
	else if (both)
		fprintf(out, "(-%c --%s)", o->letter, o->name);
	if (both)
		fputs("'{", out);
	if (o->letter)
		fprintf(out, "-%c%s", o->letter, o->arg ? "+" : "");
	if (both)
		fputc(',', out);
	if (o->name)
		fprintf(out, "--%s%s", o->name, !o->arg ? "" : opts_optional_arg(o) ? "=-" : "=");
	fputs(both ? "}'[" : "[", out);
	zsh_help(out, o->help);
	fputc(']', out);
	if (o->arg)
		fprintf(out, ":%s%s:%s", opts_optional_arg(o) ? ":" : "", o->arg,
			kind ? kind->zsh : " ");
	fputs("'\n", out);
}

static const char zsh_tail[] =
	")\n"
	"\n"
	"_mpnc_first() {\n"
	"	_alternative \"tools:tool:($tools help)\" 'hosts:host:_hosts'\n"
	"}\n"
	"\n"
	"if ((CURRENT == 2)); then\n"
	"	_arguments -s -S : $specs '1: :_mpnc_first'\n"
	"elif [[ $words[2] == help ]]; then\n"
	"	_arguments \"2:tool:($tools completion)\" '3:shell:(bash zsh)'\n"
	"elif [[ $words[2] == (send|recv) ]]; then\n"
	"	shift words\n"
	"	((CURRENT--))\n"
	"	_arguments -s -S : $specs '1:host:_hosts' '2:port: ' '*:::command:_normal'\n"
	"elif ((${tools[(Ie)$words[2]]})); then\n"
	"	compadd -- ${(f)\"$($words[1] help $words[2] 2>/dev/null |\n"
	"		grep -oE -- '--[a-z][a-z-]*' | sort -u)\"}\n"
	"else\n"
	"	_arguments -s -S : $specs '1:host:_hosts' '2:port: '\n"
	"fi\n";

static void write_zsh(FILE *out, const char *const tools[], size_t n)
{
	fputs("#compdef mpnc\n"
	      "# zsh completion for mpnc, made by: mpnc help completion zsh\n"
	      "\n"
	      "local -a tools specs\n"
	      "tools=(",
	      out);
	write_tools(out, tools, n);
	fputs(")\nspecs=(\n", out);
	for (size_t i = 0; i < N_OPTIONS; i++)
		zsh_option(out, &opts_table[i]);
	fputs(zsh_tail, out);
}

/* ---------------------------------------------------------------------------------------------- */

int completion_write(FILE *out, const char *shell, const char *const tools[], size_t n)
{
	if (strcmp(shell, "bash") == 0)
		write_bash(out, tools, n);
	else if (strcmp(shell, "zsh") == 0)
		write_zsh(out, tools, n);
	else
		return -EINVAL;
	return 0;
}
