package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"text/template"
)

// writeRows writes rows with docker's --format: "json", "table TEMPLATE", or a Go template for each row. header has the
// rows' type and their columns' headings.
func writeRows[T any](out io.Writer, format string, header T, rows []T) error {
	text, isTable := strings.CutPrefix(format, "table")
	if format == "json" {
		text = "{{json .}}"
	}
	text = strings.NewReplacer(`\t`, "\t", `\n`, "\n").Replace(strings.Trim(text, " "))
	tmpl, err := parseTemplate(text)
	if err != nil {
		return err
	}
	var body bytes.Buffer
	if isTable {
		if err := execute(&body, template.Must(tmpl.Clone()).Funcs(headerFuncs()), header); err != nil {
			return err
		}
	}
	for _, row := range rows {
		if err := execute(&body, tmpl, row); err != nil {
			return err
		}
	}
	if !isTable {
		_, err := body.WriteTo(out)
		return err
	}
	var table bytes.Buffer // or each cell is a write
	w := tabwriter.NewWriter(&table, 10, 1, 3, ' ', 0)
	if _, err := body.WriteTo(w); err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return err
	}
	_, err = table.WriteTo(out)
	return err
}

func parseTemplate(text string) (*template.Template, error) {
	tmpl, err := template.New("").Funcs(templateFuncs()).Parse(text)
	if err != nil {
		return nil, fmt.Errorf("template parsing error: %w", err)
	}
	return tmpl, nil
}

// execute writes one line.
func execute(out *bytes.Buffer, tmpl *template.Template, data any) error {
	if err := tmpl.Execute(out, data); err != nil {
		return fmt.Errorf("template parsing error: %w", err)
	}
	out.WriteByte('\n')
	return nil
}

// templateFuncs are docker's (docker/cli templates/templates.go).
func templateFuncs() template.FuncMap {
	return template.FuncMap{
		"json":  toJSON,
		"split": strings.Split,
		"join":  strings.Join,
		"title": title,
		"lower": strings.ToLower,
		"upper": strings.ToUpper,
		"pad": func(s string, before, after int) string {
			if s == "" {
				return s
			}
			return strings.Repeat(" ", max(before, 0)) + s + strings.Repeat(" ", max(after, 0))
		},
		"truncate": func(s string, n int) string { return s[:max(0, min(n, len(s)))] },
	}
}

// headerFuncs leave headings as they are.
func headerFuncs() template.FuncMap {
	same := func(s string) string { return s }
	return template.FuncMap{
		"json":     same,
		"split":    func(s, _ string) string { return s },
		"join":     func(s, _ string) string { return s },
		"title":    same,
		"lower":    same,
		"upper":    same,
		"truncate": func(s string, _ int) string { return s },
	}
}

func toJSON(v any) (string, error) {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return strings.TrimSpace(out.String()), err
}

// title begins each word with a capital letter.
func title(s string) string {
	parts := strings.SplitAfter(s, " ")
	for i, part := range parts {
		if part != "" {
			parts[i] = strings.ToUpper(part[:1]) + part[1:]
		}
	}
	return strings.Join(parts, "")
}
