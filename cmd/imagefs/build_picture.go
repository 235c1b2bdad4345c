package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	units "github.com/docker/go-units"
	"github.com/mattn/go-runewidth"

	"github.com/imagefs/imagefs"
)

// mostOutput is how many lines of its output are shown below a step at work.
const mostOutput = 6

// picture is a build at work, in no more lines than height, and columns than width. If there is no room for all steps,
// those that have ended go first.
func (v *buildView) picture(now time.Time, width, height int) []string {
	steps, room := slices.Clone(v.steps), max(height-1, 0)
	for len(steps) > room {
		ended := slices.IndexFunc(steps, func(s *shownStep) bool { return !s.ended.IsZero() })
		steps = slices.Delete(steps, max(ended, 0), max(ended, 0)+1)
	}
	working := 0
	for _, s := range steps {
		if s.ended.IsZero() {
			working++
		}
	}
	lines := []string{cut(v.header(now), width)}
	for _, s := range steps {
		lines = append(lines, v.stepLine(s, now, width))
		if s.ended.IsZero() {
			free := room - len(steps)
			shown := s.lastOutput(min(mostOutput, free/working))
			room, working = room-len(shown), working-1
			lines = append(lines, shownBelow(shown, width)...)
		}
	}
	return lines
}

// lastPicture is a build that has ended.
func (v *buildView) lastPicture(now time.Time, width int, done bool) []string {
	header := v.header(now)
	if done {
		header += " FINISHED"
	}
	lines := []string{cut(header, width)}
	for _, s := range v.steps {
		lines = append(lines, v.stepLine(s, now, width))
		if s.Stage == imagefs.LastStage {
			lines = append(lines, shownBelow(s.output, width)...)
		}
	}
	return lines
}

func (v *buildView) header(now time.Time) string {
	ended := 0
	for _, s := range v.steps {
		if !s.ended.IsZero() {
			ended++
		}
	}
	return fmt.Sprintf("[+] Building %.1fs (%d/%d)", now.Sub(v.begun).Seconds(), ended, v.total)
}

// stepWords are what is said of a step that is not just done.
var stepWords = map[imagefs.StepState]string{
	imagefs.StepCached: "CACHED ", imagefs.StepFailed: "ERROR ", imagefs.StepCanceled: "CANCELED ",
}

// stepColours are BuildKit's.
var stepColours = map[imagefs.StepState]string{
	imagefs.StepCached: "34", imagefs.StepDone: "34", imagefs.StepFailed: "31", imagefs.StepCanceled: "33",
}

// stepLine is a step, and how long it has taken.
func (v *buildView) stepLine(s *shownStep, now time.Time, width int) string {
	if !s.ended.IsZero() {
		now = s.ended
	}
	took := fmt.Sprintf(" %.1fs", max(now.Sub(s.begun), 0).Seconds())
	left := max(width-len(took), 0)
	text := runewidth.FillRight(cut(" => "+stepWords[s.state]+s.title(), left), left)
	line := cut(text+took, width)
	if colour := stepColours[s.state]; colour != "" && v.colours {
		line = "\x1b[" + colour + "m" + line + "\x1b[0m"
	}
	return line
}

func (s *shownStep) title() string {
	return stepLabel(s.BuildStep) + strings.Join(strings.Fields(printable(s.Text)), " ")
}

// lastOutput is what a step puts out: its layers, and the last lines.
func (s *shownStep) lastOutput(most int) (lines []string) {
	for _, l := range s.layers {
		line := l.ID + " " + l.Status
		if moves[l.Status] {
			line += fmt.Sprintf(" %s/%s", units.HumanSize(float64(l.Done)), units.HumanSize(float64(l.Total)))
		}
		lines = append(lines, line)
	}
	lines = append(lines, s.output...)
	return lines[max(len(lines)-most, 0):]
}

func shownBelow(output []string, width int) (lines []string) {
	for _, line := range output {
		lines = append(lines, cut(" => => "+printable(line), width))
	}
	return lines
}

func cut(text string, width int) string { return runewidth.Truncate(text, width, "") }

// control is what a terminal would obey.
var control = regexp.MustCompile(`\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)?|.)?|[\x00-\x1f\x7f-\x{9f}]`)

// printable is a line as a terminal would leave it in the end, for one that is drawn with others.
func printable(line string) string {
	line = strings.TrimRight(line, "\r")
	line = strings.ReplaceAll(line[strings.LastIndexByte(line, '\r')+1:], "\t", "    ")
	return control.ReplaceAllString(strings.ToValidUTF8(line, "?"), "")
}
