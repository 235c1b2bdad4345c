package tree

// Build merges layers, base first, and writes the table to the file path, which must not exist; it is synced when Build
// returns. Layers that cannot be merged are a [*layer.FormatError].
//
// Whiteouts and opaque directories of a layer apply to the layers below it, wherever in its archive they stand; then its
// entries apply in the order of the archive, the last of a name winning. A parent directory that is a symlink is
// followed within the root; one that does not exist is made, mode 0755, root's, with the epoch as its mtime. A hard
// link adds a name and nothing else: its header's attributes are not used.
func Build(path string, layers []Layer) error {
	m, err := merge(layers)
	if err != nil {
		return err
	}
	return m.write(path)
}

// BuildDiff writes the table of what the last of layers brings by itself: its own entries, without whiteouts. The
// layers below serve only to resolve hard links to their files.
func BuildDiff(path string, layers []Layer) error {
	m, err := newMerger(layers)
	if err != nil {
		return err
	}
	if len(layers) > 0 {
		err = m.applyTop()
	}
	if err != nil {
		return err
	}
	return m.write(path)
}

func merge(layers []Layer) (*merger, error) {
	m, err := newMerger(layers)
	if err != nil {
		return nil, err
	}
	for k := range layers {
		if err := m.apply(k); err != nil {
			return nil, err
		}
	}
	return m, nil
}
